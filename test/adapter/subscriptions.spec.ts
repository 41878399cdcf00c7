import { once } from 'node:events';
import { setImmediate as turn } from 'node:timers/promises';
import type { Socket } from 'socket.io';
import openOldClient from 'socket.io-client-2';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import type { Carrier } from '../../src/carrier.js';
import { carriers } from '../support/carriers.js';
import { openUntyped } from '../support/clients.js';
import { type Node, startFleet, startNode, untilFence } from '../support/nodes.js';

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
    await client.emitWithAck('join', 'lobby');
    far.server.to('lobby').emit('said', 'again');
    expect(await news()).toEqual([roomChannel('lobby')]);
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

  it('hears of its own clients by their ids, and not of those of another', async () => {
    const { near, far, roomChannel, news } = await startPair();
    const [own, other] = [await near.connect(), await far.connect()];

    for (const { id } of [own, other]) {
      far.server.to(id!).emit('said', 'to one');
      far.server.to(id!).emit('said', 'to the same');
    }

    expect(await news()).toEqual([roomChannel(own.id!), roomChannel(own.id!)]);
  });

  it('asks for nothing more when clients connect, whether they stay, leave or are refused', async () => {
    const { near } = await startPair();
    const asked = vi.spyOn(near.carrier, 'subscribe');
    near.server.use((socket, next) =>
      next(socket.handshake.auth['refused'] === true ? new Error('not you') : undefined),
    );

    const clients = await Promise.all(Array.from({ length: 50 }, () => near.connect()));
    await new Promise((resolve) => openUntyped(near.url, { auth: { refused: true } }).once('connect_error', resolve));
    await disconnected(near, clients[0]!);

    expect(asked.mock.calls.flat(2)).toEqual(['settled']);
  });

  it('keeps no trace of clients that have connected, left, been refused or gone while they waited', async () => {
    const { near } = await startPair();
    const waiting = (near.server.sockets as unknown as { _preConnectSockets: Map<string, unknown> })[
      '_preConnectSockets'
    ];
    let arrived = 0;
    near.server.use((socket, next) => {
      arrived++;
      if (socket.handshake.auth['wait'] === true) socket.conn.once('close', () => next());
      else next(socket.handshake.auth['refused'] === true ? new Error('not you') : undefined);
    });

    const stays = await near.connect();
    await disconnected(near, await near.connect());
    await new Promise((resolve) => openUntyped(near.url, { auth: { refused: true } }).once('connect_error', resolve));
    const goes = openUntyped(near.url, { auth: { wait: true } });
    await vi.waitFor(() => expect(arrived).toBe(4));
    expect(waiting.size).toBe(1);
    goes.disconnect();

    await vi.waitFor(() => expect(waiting.size).toBe(0));
    expect([...near.server.sockets.sockets.keys()]).toEqual([stays.id]);
    expect([...near.server.sockets.adapter.sids.keys()]).toEqual([stays.id]);
  });

  it('gives a client its id before any middleware sees it, also in namespaces that a pattern describes', async () => {
    const { near } = await startPair();
    const seen: string[] = [];
    const note = (socket: { id: string }, next: () => void): void => {
      seen.push(socket.id);
      next();
    };
    near.server.use(note);
    near.server.of(/^\/tenant-\d$/).use(note);

    const clients = [await near.connect(), await near.connect('/tenant-1')];

    expect(seen).toEqual(clients.map(({ id }) => id));
    expect(new Set(seen).size).toBe(2);
  });

  it('hears once of a room that is named after a client, wherever its members are', async () => {
    const { near, far, news, roomChannel } = await startPair();
    const [client, other] = [await near.connect(), await far.connect()];
    const room = `${client.id!}:family`;
    for (const member of [client, other]) await member.emitWithAck('join', room);
    const heard = [client, other].map((member) => untilFence(member, 2));

    far.server.to(room).emit('said', 'to the family');
    expect(await news()).toEqual([roomChannel(room)]);
    near.server.to(room).emit('said', 'to the family, too');
    near.server.emit('fence');

    const both = [
      ['said', 'to the family'],
      ['said', 'to the family, too'],
    ];
    expect(await Promise.all(heard)).toEqual([both, both]);
  });

  it('is asked for its clients by their ids, and has them join', async () => {
    const { near, far } = await startPair();
    const client = await near.connect();

    far.server.in(client.id!).socketsJoin('lobby');
    const found = await far.server.in(client.id!).fetchSockets();

    expect(found.map(({ id, rooms }) => [id, [...rooms]])).toEqual([[client.id, [client.id, 'lobby']]]);
  });

  it('takes few prefixes, and hears all the same of clients of whatever namespace', async () => {
    const { near, far } = await startPair();
    const prefixes = vi.spyOn(near.carrier, 'subscribePrefix');
    near.server.of(/^\/tenant-\d+$/);

    for (let tenant = 0; tenant < 8; tenant++) {
      const client = await near.connect(`/tenant-${tenant}`);
      const heard = untilFence(client);
      const namespace = far.server.of(`/tenant-${tenant}`);
      namespace.to(client.id!).emit('said', tenant);
      namespace.emit('fence');
      expect(await heard).toEqual([['said', tenant]]);
    }

    expect(prefixes).toHaveBeenCalledTimes(3);
  });

  it('keeps the id of a client of the old protocol, and hears of it on a channel of its own', async () => {
    const fleet = startFleet(carrier);
    const [near, far] = [await startNode(fleet, { server: { allowEIO3: true } }), await startNode(fleet)];
    const old = openOldClient(near.url, { transports: ['websocket'], forceNew: true });
    onTestFinished(() => old.close());
    const [socket] = (await once(near.server, 'connection')) as [Socket];
    const channel = `${fleet.key}#/#${socket.id}#`;
    const heard = new Promise((resolve) => old.on('said', resolve));

    expect(socket.id).toBe((socket.client as unknown as { id: string }).id);
    expect(await far.carrier.subscribers(channel)).toBe(1);
    far.server.to(socket.id).emit('said', 'to one');
    expect(await heard).toBe('to one');
    old.close();
    await once(socket, 'disconnect');
    await settled(near.carrier);
    expect(await far.carrier.subscribers(channel)).toBe(0);
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
    expect(await far.carrier.subscribers(roomChannel('lobby'))).toBe(0);
    far.server.to(client.id!).emit('said', 'to nobody');
    far.carrier.publish('settled', Buffer.alloc(0));
    await near.inbox.fence('settled');
    expect(near.inbox.channels).toEqual(['settled']);
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
