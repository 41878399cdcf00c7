import type { EventEmitter } from 'node:events';
import { createRequire } from 'node:module';
import { type OnGatewayConnection, WebSocketGateway } from '@nestjs/websockets';
import type { Socket } from 'socket.io';
import { describe, expect, it } from 'vitest';
import { carriers } from '../support/carriers.js';
import { NodeGateway, startFleet, startNode, untilFence } from '../support/nodes.js';
import { type Message, mutate } from '../support/poison.js';
import { Random } from '../support/random.js';
import { watchForUnhandled } from '../support/rejections.js';

const { encode } = createRequire(import.meta.url)('notepack.io') as { encode: (value: unknown) => Buffer };

/** As most gateways, it believes that who connects is a client. */
@WebSocketGateway()
class GreetingGateway implements OnGatewayConnection {
  handleConnection(client: Socket): void {
    client.emit('welcome', client.id);
  }
}

/** SEED repeats a run. */
const seed = Number(process.env['SEED'] ?? Date.now() % 2 ** 31);

const packet = { type: 2, data: ['said', 'poison'], nsp: '/' };

/** What no server would send, by what is wrong with it. */
const poison: Record<string, readonly Buffer[]> = {
  'no bytes': [Buffer.alloc(0)],
  'garbage bytes': [0x00, 0x7b, 0x7f, 0xc0, 0xc1, 0xc4, 0xd4, 0xdc, 0xff].flatMap((byte) => [
    Buffer.from([byte]),
    Buffer.from([byte, 0x01, 0xff, 0xfe]),
  ]),
  'a message cut short': Array.from({ length: 20 }, (_, length) =>
    encode(['uid', packet, { rooms: [], except: [], flags: {} }]).subarray(0, length + 1),
  ),
  'JSON cut short': ['{', '{"type":2,', '{"type":2,"opts":{"rooms":[]'].map((text) => Buffer.from(text)),
  'msgpack of the wrong shape': [
    null,
    7,
    'text',
    [],
    {},
    [null, null, null],
    ['uid', packet],
    ['uid', packet, null],
    ['uid', packet, { rooms: 7, except: 7 }],
    ['uid', { nsp: '/' }, { rooms: [{}], except: [[]] }],
    ['uid', 'packet', {}],
    { type: 7, requestId: 'id' },
    { type: 7, requestId: 'id', opts: {}, packet: null },
    { type: 2, opts: { rooms: 7 }, rooms: 7 },
    { type: 5, requestId: 'id', opts: null },
    { type: 6, data: null },
  ].map((value) => encode(value)),
  'JSON of the wrong shape': [
    {},
    { type: null },
    { type: 99 },
    { type: { toString: null } },
    { type: 0, rooms: 7 },
    { type: 2 },
    { type: 2, opts: null, rooms: null },
    { type: 2, opts: { rooms: 7 }, rooms: ['a'] },
    { type: 2, opts: { rooms: [] }, rooms: [{ toString: null }] },
    { type: 2, opts: { rooms: [{ toString: null }] }, rooms: 'abc' },
    { type: 3, opts: {}, rooms: null },
    { type: 3, opts: {}, rooms: [{ toString: null }] },
    { type: 4, opts: { rooms: 7 } },
    { type: 5, requestId: 'id' },
    { type: 5, requestId: { toString: null }, opts: { rooms: 7 } },
    { type: 6 },
    { type: 6, data: null },
    { type: 6, data: 7, requestId: 'id' },
    { type: 6, data: ['error', { message: 'boom' }] },
    { type: 7, requestId: 'id', opts: {} },
    { requestId: 'unknown', sockets: 7 },
    { requestId: { toString: null } },
    { requestId: '__proto__', type: 8 },
  ].map((value) => Buffer.from(JSON.stringify(value))),
};

describe.each(carriers)(`a node on the %s carrier (SEED=${seed})`, (carrier) => {
  it.each(Object.entries(poison))('refuses %s on every channel, and serves on', async (_, messages) => {
    const failed = watchForUnhandled();
    const { near, far, channels, client } = await start();
    await client.emitWithAck('join', 'lobby');
    const heard = untilFence(client);

    for (const channel of channels) for (const message of messages) far.carrier.publish(channel, message);
    far.server.to('lobby').emit('said', 'hello');
    far.server.emit('fence');

    expect(await heard).toEqual([['said', 'hello']]);
    expect(await client.emitWithAck('join', 'hall')).toBe(true);
    expect((await near.server.fetchSockets()).map(({ id }) => id)).toEqual([client.id]);
    await disconnected(near, client);
    expect((await near.connect()).connected).toBe(true);
    await failed();
  });

  it.each([
    ['connection', []],
    ['connection', [null]],
    ['connection', [{ id: 'nobody' }]],
    ['connect', []],
    ['new_namespace', [{ name: '/' }]],
  ])('does not take the event %j with %j from outside for one of Socket.IO’s own', async (event, args) => {
    const failed = watchForUnhandled();
    const { near, far, request, client } = await start();
    const seen: unknown[] = [];
    const namespace = near.server.of('/') as unknown as EventEmitter;
    namespace.prependListener(event, (...told: unknown[]) => seen.push(told));
    const fenced = new Promise((resolve) => near.server.on('fence', resolve));
    const data = [event, ...args];

    far.carrier.publish(request, Buffer.from(JSON.stringify({ type: 6, uid: 'x', data })));
    far.carrier.publish(request, encode({ type: 6, uid: 'x', data }));
    far.server.serverSideEmit('fence', 'x');
    await fenced;
    const taken = seen.length;

    expect(await client.emitWithAck('join', 'lobby')).toBe(true);
    expect((await near.connect()).connected).toBe(true);
    await failed();
    expect(taken).toBe(0);
  });

  it.each([
    ['all clients', (_id: string) => encode({ type: 2, opts: { rooms: [], except: [] }, rooms: [{ toString: null }] })],
    ['one client', (id: string) => Buffer.from(JSON.stringify({ type: 2, sid: id, room: { toString: null } }))],
  ])('survives %s being told to join a room that has no name, and their leaving', async (_, message) => {
    const failed = watchForUnhandled();
    const { near, far, request, client } = await start();
    const heard = untilFence(client);

    far.carrier.publish(request, message(client.id!));
    far.server.emit('fence');
    await heard;
    await disconnected(near, client);

    expect((await near.connect()).connected).toBe(true);
    await failed();
  });

  it.each<[string, unknown]>([
    ['is no event', { type: 1, nsp: '/' }],
    ['is no event but looks like one', { type: 5, nsp: '/', data: ['said'] }],
    ['has an event of Socket.IO’s own', { type: 2, nsp: '/', data: ['disconnect'] }],
    ['has no event', { type: 2, nsp: '/', data: [{}] }],
    ['has a number that is none', { type: 2, nsp: '/', data: ['said'], id: '["a",' }],
  ])('keeps from its clients a packet that %s, which would cost them the connection', async (_, broken) => {
    const { near, far, client, channels, request } = await start();
    const { id } = client;
    const heard = untilFence(client);

    far.carrier.publish(channels[0]!, encode(['another', broken, { rooms: [], except: [] }]));
    const opts = { rooms: [], except: [] };
    far.carrier.publish(request, encode({ uid: 'another', requestId: 'id', type: 7, packet: broken, opts }));
    far.server.emit('fence');

    expect(await heard).toEqual([]);
    expect(await client.emitWithAck('join', 'lobby')).toBe(true);
    expect([...near.server.sockets.sockets.keys()]).toEqual([id]);
  });

  it('takes nothing from a wrong answer, and waits for the right one', async () => {
    const { near, far, client, request } = await start();
    const other = await far.connect();
    const answers = request.replace('-request', '-response');
    const end = far.carrier.onMessage((channel, message) => {
      if (channel !== request) return;
      end();
      const { requestId } = JSON.parse(message.toString()) as { requestId: string };
      for (const sockets of [7, [null], [{}], [{ id: 'x' }], [[]], [{ id: 'x', handshake: 7, rooms: [] }]]) {
        far.carrier.publish(answers, Buffer.from(JSON.stringify({ requestId, sockets })));
      }
    });

    const found = await near.server.fetchSockets();

    expect(found.map(({ id }) => id).toSorted()).toEqual([client.id!, other.id!].toSorted());
  });

  it('serves on through thousands of messages made of real ones, and leaves every object as it was', async () => {
    const failed = watchForUnhandled();
    const random = new Random(seed);
    const { near, far, client, channels } = await start();
    client.on('disconnect', () => client.connect());
    const captured: Message[] = [];
    const end = near.carrier.onMessage((channel, bytes) => void captured.push({ channel, bytes: Buffer.from(bytes) }));
    await client.emitWithAck('join', 'lobby');
    far.server.emit('said', { nested: [1, null] }, Buffer.alloc(100));
    far.server.to('lobby').except('hall').emit('said', 'to the lobby');
    far.server.in('lobby').socketsJoin('hall');
    await far.server.fetchSockets();
    await near.server.fetchSockets();
    end();

    for (let round = 0; round < 10; round++) {
      const fence = new Promise((resolve) => client.once('fence', resolve));
      for (let index = 0; index < 500; index++) {
        const { channel, bytes } = mutate(captured, channels, random);
        far.carrier.publish(channel, bytes);
      }
      far.server.emit('fence');
      await fence;
    }

    expect(await client.emitWithAck('join', 'attic')).toBe(true);
    expect((await near.server.fetchSockets()).map(({ id }) => id)).toEqual([client.id]);
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
    await failed();
  });

  async function start() {
    const fleet = startFleet(carrier);
    const [near, far] = await Promise.all([
      startNode(fleet, { gateways: [NodeGateway, GreetingGateway] }),
      startNode(fleet),
    ]);
    const client = await near.connect();
    const request = `${fleet.key}-request#/#`;
    const broadcast = [`${fleet.key}#/#`, `${fleet.key}#/#lobby#`, `${fleet.key}#/#${client.id}#`];
    return { near, far, client, request, channels: [...broadcast, request, `${fleet.key}-response#/#`] };
  }
});

async function disconnected(
  { server }: Awaited<ReturnType<typeof startNode>>,
  client: Awaited<ReturnType<Awaited<ReturnType<typeof startNode>>['connect']>>,
): Promise<void> {
  const gone = new Promise((resolve) => server.sockets.sockets.get(client.id!)!.once('disconnect', resolve));
  client.disconnect();
  await gone;
}
