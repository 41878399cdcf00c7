import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { Carrier } from '../../src/carrier.js';
import { carriers } from '../support/carriers.js';
import { openUntyped } from '../support/clients.js';
import { type Node, startFleet, startNode } from '../support/nodes.js';

describe.each(carriers)('over the %s carrier, a node', (carrier) => {
  it('hears only of rooms that it holds, and no more once they are empty', async () => {
    const { near, far, roomChannel, news } = await startPair();
    const client = await near.connect();

    far.server.to('lobby').emit('said', 'before');
    expect(await news()).toEqual([]);
    await client.emitWithAck('join', 'lobby');
    far.server.to('lobby').emit('said', 'meanwhile');
    far.server.to('hall').emit('said', 'elsewhere');
    expect(await news()).toEqual([roomChannel('lobby')]);
    await client.emitWithAck('leave', 'lobby');
    await settled(near.carrier);
    far.server.to('lobby').emit('said', 'after');
    expect(await news()).toEqual([]);
  });

  it('hears of a room until its last member has left', async () => {
    const { near, far, roomChannel, news } = await startPair();
    const [first, second] = [await near.connect(), await near.connect()];
    for (const client of [first, second]) await client.emitWithAck('join', 'lobby');
    await first.emitWithAck('leave', 'lobby');
    await settled(near.carrier);

    far.server.to('lobby').emit('said', 'to the other');
    expect(await news()).toEqual([roomChannel('lobby')]);
    await disconnected(near, second);
    far.server.to('lobby').emit('said', 'to nobody');
    expect(await news()).toEqual([]);
  });

  it('hears of a client by its id while it is connected', async () => {
    const { near, far, roomChannel } = await startPair();
    const client = await near.connect();
    const channel = roomChannel(client.id!);
    expect(await far.carrier.subscribers(channel)).toBe(1);

    await disconnected(near, client);

    expect(await far.carrier.subscribers(channel)).toBe(0);
  });

  it('keeps no subscription for a client that a middleware refuses', async () => {
    const { near, far, roomChannel } = await startPair();
    let id = '';
    let during = 0;
    near.server.use((socket, next) => {
      id = socket.id;
      void far.carrier.subscribers(roomChannel(id)).then((count) => {
        during = count;
        next(new Error('not you'));
      });
    });

    const refused = await new Promise((resolve) => openUntyped(near.url).once('connect_error', resolve));

    expect(refused).toMatchObject({ message: 'not you' });
    expect(during).toBe(1);
    await settled(near.carrier);
    expect(await far.carrier.subscribers(roomChannel(id))).toBe(0);
  });

  it('keeps no subscription at all once it has closed', async () => {
    const { near, far, fleet, roomChannel } = await startPair();
    const client = await near.connect();
    await client.emitWithAck('join', 'lobby');
    const channels = [`${fleet.key}#/#`, `${fleet.key}-request#/#`, `${fleet.key}-response#/#`];

    await near.app.close();
    await settled(near.carrier);

    const counts = await Promise.all(channels.map((channel) => far.carrier.subscribers(channel)));
    expect(counts).toEqual([1, 1, 1]);
    for (const room of ['lobby', client.id!]) expect(await far.carrier.subscribers(roomChannel(room))).toBe(0);
  });

  it('shares one subscription between a room named by a number and by the same digits', async () => {
    const { near, far, roomChannel, news } = await startPair();
    const [number, text] = [await near.connect(), await near.connect()];
    await number.emitWithAck('join', 7);
    await text.emitWithAck('join', '7');
    await number.emitWithAck('leave', 7);
    await settled(near.carrier);

    far.server.to('7').emit('said', 'to the other');
    expect(await news()).toEqual([roomChannel('7')]);
    await text.emitWithAck('leave', '7');
    await settled(near.carrier);
    expect(await far.carrier.subscribers(roomChannel('7'))).toBe(0);
  });

  it.each([
    ['', 0],
    ['1e3', 1_000],
    ['0x10', 16],
  ])('does not mistake the room %j for the number %d', async (room, number) => {
    const { near, far, roomChannel } = await startPair();
    const client = await near.connect();
    for (const name of [room, number]) await client.emitWithAck('join', name);

    await client.emitWithAck('leave', room);
    await settled(near.carrier);

    const counts = await Promise.all([room, `${number}`].map((name) => far.carrier.subscribers(roomChannel(name))));
    expect(counts).toEqual([0, 1]);
  });

  it.each([
    ['join, leave', [], 0],
    ['join, leave, join', [], 1],
    ['leave, join', ['lobby'], 1],
    ['leave, join, leave', ['lobby'], 0],
    ['join, leave, join, leave, join', [], 1],
  ])('is right about a room after %s in one turn', async (changes, before, subscribers) => {
    const { near, far, roomChannel } = await startPair();
    const client = await near.connect();
    for (const room of before) await client.emitWithAck('join', room);

    await client.emitWithAck(
      'change rooms',
      changes.split(', ').map((change) => [change, 'lobby']),
    );
    await settled(near.carrier);

    expect(await far.carrier.subscribers(roomChannel('lobby'))).toBe(subscribers);
  });

  it('asks for the rooms of all clients that came in a turn at once', async () => {
    const { near } = await startPair();
    const client = await near.connect();
    const asked: number[] = [];
    const subscribe = near.carrier.subscribe.bind(near.carrier);
    near.carrier.subscribe = (channels) => {
      asked.push(channels.length);
      return subscribe(channels);
    };

    await client.emitWithAck(
      'change rooms',
      Array.from({ length: 1_000 }, (_, index) => ['join', `room ${index}`]),
    );

    expect(asked.filter((count) => count > 0)).toEqual([1_000]);
  });

  /** `news` tells which channels of rooms have reached the near node since it was last asked. */
  async function startPair() {
    const fleet = startFleet(carrier);
    const [near, far] = await Promise.all([startNode(fleet), startNode(fleet)]);
    const prefix = `${fleet.key}#/#`;
    let seen = 0;
    const news = async (): Promise<string[]> => {
      const fences = near.inbox.on(prefix).length;
      far.server.emit('fence');
      await near.inbox.until(() => near.inbox.on(prefix).length > fences);
      const fresh = near.inbox.channels.slice(seen);
      seen = near.inbox.channels.length;
      return fresh.filter((channel) => channel !== prefix);
    };
    return { fleet, near, far, news, roomChannel: (room: string) => `${prefix}${room}#` };
  }
});

/** What the node asked of its carrier in this turn has been done. */
async function settled(carrier: Carrier): Promise<void> {
  await turn();
  await carrier.subscribe(['settled']);
}

async function disconnected(node: Node, client: Awaited<ReturnType<Node['connect']>>): Promise<void> {
  const socket = node.server.sockets.sockets.get(client.id!)!;
  const gone = new Promise((resolve) => socket.once('disconnect', resolve));
  client.disconnect();
  await gone;
  await settled(node.carrier);
}
