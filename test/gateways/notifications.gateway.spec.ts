import { Test } from '@nestjs/testing';
import { WsException } from '@nestjs/websockets';
import { describe, expect, it } from 'vitest';
import { NotificationsGateway } from '../../src/gateways/notifications.gateway.js';
import { fakeSocket } from '../support/fake-socket.js';

describe('the notifications gateway', () => {
  it('lets a client hear what is for a user, and no longer', async () => {
    const gateway = await createGateway();
    const { client } = fakeSocket('socket-1');

    expect(await gateway.subscribe(client, 'ada')).toBe(true);
    expect([...client.rooms]).toEqual(['socket-1', 'user:ada']);

    expect(await gateway.unsubscribe(client, 'ada')).toBe(true);
    expect([...client.rooms]).toEqual(['socket-1']);
  });

  it('takes no name for the room of a socket', async () => {
    const gateway = await createGateway();
    const { client } = fakeSocket('socket-1');

    await gateway.subscribe(client, 'socket-2');
    await gateway.unsubscribe(client, 'socket-1');

    expect([...client.rooms]).toEqual(['socket-1', 'user:socket-2']);
  });

  it('lets a client hear of 99 users, and refuses one more', async () => {
    const gateway = await createGateway();
    const { client } = fakeSocket('socket-1');
    for (let user = 1; user <= 99; user++) await gateway.subscribe(client, `user ${user}`);

    const refusal = await gateway.subscribe(client, 'one more').catch((error: unknown) => error);

    expect(refusal).toBeInstanceOf(WsException);
    expect((refusal as WsException).getError()).toEqual({
      code: 'TOO_MANY_ROOMS',
      message: 'A client can hear of 99 users.',
    });
    expect(client.rooms.size).toBe(100);
  });
});

async function createGateway(): Promise<NotificationsGateway> {
  const module = await Test.createTestingModule({ providers: [NotificationsGateway] }).compile();
  return module.get(NotificationsGateway);
}
