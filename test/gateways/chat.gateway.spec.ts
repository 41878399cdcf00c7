import { EventEmitter, once } from 'node:events';
import { Test } from '@nestjs/testing';
import { WsException } from '@nestjs/websockets';
import { describe, expect, it } from 'vitest';
import { ChatGateway } from '../../src/gateways/chat.gateway.js';
import { WorkerIdentity } from '../../src/identity.js';
import { fakeSocket } from '../support/fake-socket.js';

describe('the chat gateway', () => {
  it('welcomes a client with the slot and the host of its worker', async () => {
    const { gateway } = await createGateway();
    const { client, heard } = fakeSocket('ada');

    gateway.handleConnection(client);

    expect(heard).toEqual([['welcome', { worker: 3, host: 'host-a', message: 'connected to worker: 3' }]]);
  });

  it('tells a client where it is', async () => {
    const { gateway } = await createGateway();
    const { client } = fakeSocket('ada', { transport: 'polling' });

    expect(gateway.whereami(client)).toEqual({ worker: 3, host: 'host-a', id: 'ada', transport: 'polling' });
  });

  it('lets a client join a room and leave it', async () => {
    const { gateway } = await createGateway();
    const { client } = fakeSocket('ada');

    expect(await gateway.join(client, 'lobby')).toBe(true);
    expect([...client.rooms]).toEqual(['ada', 'lobby']);

    expect(await gateway.leave(client, 'lobby')).toBe(true);
    expect([...client.rooms]).toEqual(['ada']);
  });

  it('acknowledges a join only once the room has been joined', async () => {
    const { gateway } = await createGateway();
    const adapter = new EventEmitter();
    const { client } = fakeSocket('ada', { join: async () => void (await once(adapter, 'joined')) });
    let acknowledged = false;

    const acknowledgement = gateway.join(client, 'lobby').then(() => (acknowledged = true));
    await new Promise(setImmediate);
    expect(acknowledged).toBe(false);

    adapter.emit('joined');
    await acknowledgement;
    expect(acknowledged).toBe(true);
  });

  it('keeps a client in its own room, by which others reach it', async () => {
    const { gateway } = await createGateway();
    const { client } = fakeSocket('ada');

    expect(await gateway.leave(client, 'ada')).toBe(true);

    expect([...client.rooms]).toEqual(['ada']);
  });

  it('lets a client be in 99 rooms besides its own, and refuses one more', async () => {
    const { gateway } = await createGateway();
    const { client } = fakeSocket('ada');
    for (let room = 1; room <= 99; room++) await gateway.join(client, `room ${room}`);

    const refusal = await gateway.join(client, 'one more').catch((error: unknown) => error);

    expect(refusal).toBeInstanceOf(WsException);
    expect((refusal as WsException).getError()).toEqual({
      code: 'TOO_MANY_ROOMS',
      message: 'A client can be in 99 rooms: leave one.',
    });
    expect(client.rooms.has('one more')).toBe(false);
  });

  it('says in the room what a client says, and who said it', async () => {
    const { gateway, said } = await createGateway();
    const { client } = fakeSocket('ada');

    expect(gateway.say(client, { room: 'lobby', text: 'hello' })).toBe(true);

    expect(said).toEqual([['lobby', 'said', { room: 'lobby', text: 'hello', from: 'ada' }]]);
  });

  it('passes on no field that the contract does not know', async () => {
    const { gateway, said } = await createGateway();
    const { client } = fakeSocket('ada');
    const forged = { room: 'lobby', text: 'hello', from: 'someone else', admin: true };

    gateway.say(client, forged);

    expect(said).toEqual([['lobby', 'said', { room: 'lobby', text: 'hello', from: 'ada' }]]);
  });
});

async function createGateway(): Promise<{ gateway: ChatGateway; said: unknown[] }> {
  const module = await Test.createTestingModule({
    providers: [ChatGateway, { provide: WorkerIdentity, useValue: new WorkerIdentity(3, 'host-a') }],
  }).compile();
  const gateway = module.get(ChatGateway);
  const said: unknown[] = [];
  const server = { to: (room: string) => ({ emit: (...event: unknown[]) => said.push([room, ...event]) }) };
  return { gateway: Object.assign(gateway, { server }), said };
}
