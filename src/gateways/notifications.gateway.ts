import { UsePipes } from '@nestjs/common';
import { ConnectedSocket, MessageBody, WebSocketGateway, WsException } from '@nestjs/websockets';
import type { NotificationClientEvents, NotificationSocket } from '../events.js';
import { subscribeTo } from '../subscribe-to.js';
import { nameSchema, validatePayload } from './validation.js';

const On = subscribeTo<NotificationClientEvents>();

export const notificationsNamespace = '/notifications';

/** One client's rooms, its own included. */
const mostRooms = 100;

export function roomOfUser(user: string): string {
  return `user:${user}`;
}

/** Clients that want to hear what is published for a user. */
@WebSocketGateway({ namespace: notificationsNamespace })
@UsePipes(validatePayload)
export class NotificationsGateway {
  @On('subscribe')
  async subscribe(
    @ConnectedSocket() client: NotificationSocket,
    @MessageBody({ schema: nameSchema }) user: string,
  ): Promise<true> {
    if (client.rooms.size >= mostRooms && !client.rooms.has(roomOfUser(user))) {
      throw new WsException({ code: 'TOO_MANY_ROOMS', message: `A client can hear of ${mostRooms - 1} users.` });
    }
    await client.join(roomOfUser(user));
    return true;
  }

  @On('unsubscribe')
  async unsubscribe(
    @ConnectedSocket() client: NotificationSocket,
    @MessageBody({ schema: nameSchema }) user: string,
  ): Promise<true> {
    await client.leave(roomOfUser(user));
    return true;
  }
}
