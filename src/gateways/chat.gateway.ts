import { Inject, UsePipes } from '@nestjs/common';
import {
  ConnectedSocket,
  MessageBody,
  type OnGatewayConnection,
  WebSocketGateway,
  WebSocketServer,
  WsException,
} from '@nestjs/websockets';
import type { ChatNamespace, ChatSocket, ClientEvents, Said, Say, Whereabouts } from '../events.js';
import { WorkerIdentity } from '../identity.js';
import { subscribeTo } from '../subscribe-to.js';
import { nameSchema, saySchema, validatePayload } from './validation.js';

const On = subscribeTo<ClientEvents>();

/** One client's rooms, its own included. */
const mostRooms = 100;

/** The default namespace: who serves me, and rooms to talk in. */
@WebSocketGateway()
@UsePipes(validatePayload)
export class ChatGateway implements OnGatewayConnection {
  @WebSocketServer()
  private readonly server!: ChatNamespace;

  constructor(@Inject(WorkerIdentity) private readonly worker: WorkerIdentity) {}

  handleConnection(client: ChatSocket): void {
    const { slot, host } = this.worker;
    client.emit('welcome', { worker: slot, host, message: `connected to worker: ${slot}` });
  }

  @On('join')
  async join(@ConnectedSocket() client: ChatSocket, @MessageBody({ schema: nameSchema }) room: string): Promise<true> {
    if (client.rooms.size >= mostRooms && !client.rooms.has(room)) {
      throw new WsException({
        code: 'TOO_MANY_ROOMS',
        message: `A client can be in ${mostRooms - 1} rooms: leave one.`,
      });
    }
    await client.join(room);
    return true;
  }

  @On('leave')
  async leave(@ConnectedSocket() client: ChatSocket, @MessageBody({ schema: nameSchema }) room: string): Promise<true> {
    // Its own room is how others reach a client.
    if (room !== client.id) await client.leave(room);
    return true;
  }

  @On('say')
  say(@ConnectedSocket() client: ChatSocket, @MessageBody({ schema: saySchema }) { room, text }: Say): true {
    const said: Said = { room, text, from: client.id };
    this.server.to(room).emit('said', said);
    return true;
  }

  @On('whereami')
  whereami(@ConnectedSocket() client: ChatSocket): Whereabouts {
    const { slot, host } = this.worker;
    return { worker: slot, host, id: client.id, transport: client.conn.transport.name };
  }
}
