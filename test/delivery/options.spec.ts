import { once } from 'node:events';
import { setImmediate as turn } from 'node:timers/promises';
import type { Server, Socket as ServerSocket } from 'socket.io';
import type { Socket as ClientSocket } from 'socket.io-client';
import openOld from 'socket.io-client-2';
import * as msgpackParser from 'socket.io-msgpack-parser';
import { describe, expect, it, onTestFinished } from 'vitest';
import { carriers } from '../support/carriers.js';
import { next, openUntyped } from '../support/clients.js';
import { type Node, type NodeOptions, startNodes, untilFence } from '../support/nodes.js';

const bytes = Buffer.from(Array.from({ length: 300 }, (_, byte) => byte % 256));

/** Every way to a client in one turn, and what the client hears of it. */
const words = [
  ['said', 'to all', 1],
  ['said', 'to all', { bytes }],
  ['said', 'to the lobby', 2],
  ['said', 'directly', 3],
  ['said', 'directly', bytes],
  ['said', 'to all', 4],
];

function sayAll(server: Server, socket: ServerSocket): void {
  for (const [event, to, what] of words) {
    const targets = { 'to all': server, 'to the lobby': server.to('lobby'), directly: socket };
    targets[to as keyof typeof targets].emit(event as string, to, what);
  }
}

describe('listeners for what goes out', () => {
  it('are told of every packet, whether they were there at the beginning or come in the middle of a turn', async () => {
    const { near, client, socket } = await start();
    const heard = untilFence(client);
    const [told, toldLate]: unknown[][][] = [[], []];
    socket.onAnyOutgoing((...event: unknown[]) => void told!.push(event));

    sayAll(near.server, socket);
    socket.onAnyOutgoing((...event: unknown[]) => void toldLate!.push(event));
    sayAll(near.server, socket);
    socket.offAnyOutgoing();
    sayAll(near.server, socket);
    near.server.emit('fence');

    expect(await heard).toEqual([...words, ...words, ...words]);
    expect({ told, toldLate }).toEqual({ told: [...words, ...words], toldLate: words });
  });

  it.each(carriers)('are told of what another node sends over the %s carrier', async (carrier) => {
    const { far, client, socket } = await start({}, carrier);
    const heard = untilFence(client);
    const told: unknown[][] = [];
    socket.onAnyOutgoing((...event: unknown[]) => void told.push(event));

    far.server.emit('said', 'to all');
    far.server.to('lobby').emit('said', bytes);
    far.server.emit('fence');

    expect(await heard).toEqual([
      ['said', 'to all'],
      ['said', bytes],
    ]);
    expect(told).toEqual([['said', 'to all'], ['said', bytes], ['fence']]);
  });
});

describe('a broadcast of which a client’s listener is told', () => {
  it('reaches everybody as it was emitted, whatever the listener does to it', async () => {
    const { near, client, socket } = await start();
    const heard = [untilFence(client), untilFence(await near.connect())];
    socket.onAnyOutgoing((_event, details?: { secret: string }) => void (details && (details.secret = '***')));

    near.server.emit('said', { secret: 'x' });
    near.server.to(['lobby', 'elsewhere']).emit('said', { secret: 'y' });
    near.server.emit('fence');

    expect(await Promise.all(heard)).toEqual([
      [
        ['said', { secret: 'x' }],
        ['said', { secret: 'y' }],
      ],
      [['said', { secret: 'x' }]],
    ]);
  });

  it('and that cannot be encoded throws before anybody is told, or asked for an acknowledgement', async () => {
    const { near, socket } = await start();
    const told: unknown[] = [];
    socket.onAnyOutgoing((event) => void told.push(event));
    const { local } = near.server;

    expect(() => local.emit('said', 1n)).toThrow(TypeError);
    expect(() => local.timeout(10).emit('said', 1n, () => {})).toThrow(TypeError);

    expect(told).toEqual([]);
    expect((socket as unknown as { acks: Map<number, unknown> }).acks.size).toBe(0);
  });
});

describe('Engine.IO’s own events of a connection', () => {
  it('tell of every packet, in its place', async () => {
    const { near, client, socket } = await start();
    const heard = untilFence(client);
    const created: unknown[] = [];
    socket.conn.on('packetCreate', ({ type, data }) => {
      // An attachment is a packet of its own.
      if (type === 'message' && !Buffer.isBuffer(data)) created.push(data);
    });

    sayAll(near.server, socket);
    near.server.emit('fence');

    expect(await heard).toEqual(words);
    const texts = ['1]', '{"_placeholder"', '2]', '3]', '{"_placeholder"', '4]', 'fence"]'];
    expect(created).toEqual(texts.map((text) => expect.stringContaining(text)));
  });

  it.each(['flush', 'drain'] as const)('tell of every %s, of the connection and of the server', async (event) => {
    const { near, client, socket } = await start();
    const heard = untilFence(client);
    let [ofConnection, ofServer] = [0, 0];
    const flushed: unknown[] = [];
    socket.conn.on(event, (packets?: unknown[]) => {
      ofConnection++;
      flushed.push(...(packets ?? []));
    });
    near.server.engine.on(event, (connection: unknown) => {
      if (connection === socket.conn) ofServer++;
    });

    sayAll(near.server, socket);
    near.server.emit('fence');

    expect(await heard).toEqual(words);
    await turn();
    expect(ofConnection).toBeGreaterThan(0);
    expect(ofServer).toBe(ofConnection);
    // Each of the two binary messages has an attachment; a drain says nothing of what has gone.
    expect(flushed).toHaveLength(event === 'flush' ? words.length + 2 + 1 : 0);
  });

  it.each(['flush', 'drain'] as const)('tell of every %s where only the server is listened to', async (event) => {
    const { near, client, socket } = await start();
    const heard = untilFence(client);
    let told = 0;
    near.server.engine.on(event, (connection: unknown) => {
      if (connection === socket.conn) told++;
    });

    near.server.emit('said', 'to all');
    await turn();
    const toldOfOne = told;
    near.server.emit('fence');

    expect(await heard).toEqual([['said', 'to all']]);
    expect(toldOfOne).toBe(1);
  });

  it('tell of a packet that is sent later as well, after others that nobody was told of', async () => {
    const { near, client, socket } = await start();
    near.server.emit('said', 'before');
    await next(client, 'said');
    let drains = 0;
    socket.conn.on('drain', () => void drains++);

    near.server.emit('said', 'after');

    await next(client, 'said');
    expect(drains).toBeGreaterThan(0);
  });
});

describe('compression of single messages', () => {
  const long = 'so it goes '.repeat(2_000);
  const perMessageDeflate = { threshold: 0 };

  it('makes every message smaller, broadcast or direct, and keeps it right and in its place', async () => {
    const { near, client, socket } = await start({ server: { perMessageDeflate } });
    const heard = untilFence(client);
    const { socket: connection } = socket.request;
    const sent = connection.bytesWritten;

    near.server.emit('said', long);
    near.server.to('lobby').emit('said', Buffer.from(long));
    socket.emit('said', long);
    sayAll(near.server, socket);
    near.server.emit('fence');

    expect(await heard).toEqual([['said', long], ['said', Buffer.from(long)], ['said', long], ...words]);
    expect(connection.bytesWritten - sent).toBeLessThan(long.length);
  });

  it('keeps the order of what is to be compressed and what is not', async () => {
    const { near, client, socket } = await start({ server: { perMessageDeflate } });
    const heard = untilFence(client);

    for (const compress of [true, false, true, false]) near.server.compress(compress).emit('said', compress, long);
    socket.compress(false).emit('said', 'directly', long);
    near.server.emit('fence');

    const each = [true, false, true, false, 'directly'];
    expect(await heard).toEqual(each.map((which) => ['said', which, long]));
  });
});

describe('a parser of the team’s own', () => {
  it.each(carriers)('carries broadcasts and direct messages to all nodes over the %s carrier', async (carrier) => {
    const parser = msgpackParser;
    const nodes = await startNodes(carrier, 2, { server: { parser } });
    const clients = await Promise.all(nodes.map(({ url }) => connect(url, { parser })));
    const heard = clients.map((client) => untilFence(client));
    const sockets = clients.map(({ id }, index) => nodes[index]!.server.sockets.sockets.get(id!)!);
    for (const socket of sockets) await socket.join('lobby');

    sayAll(nodes[0]!.server, sockets[0]!);
    const answer = (await asked(clients[0]!, sockets[0]!)) as Buffer;
    nodes[0]!.server.emit('fence');

    const indirectly = words.filter(([, to]) => to !== 'directly');
    expect(await Promise.all(heard)).toEqual([[...words, ['asked', bytes]], indirectly]);
    expect(Buffer.from(answer)).toEqual(bytes);
  });
});

describe('a client of Socket.IO’s third protocol', () => {
  it.each(['websocket', 'polling'])(
    'hears text and binary by %s, of its own node and of another',
    async (transport) => {
      const server = { transports: ['polling' as const, 'websocket' as const], allowEIO3: true };
      const [near, far] = (await startNodes('embedded', 2, { server })) as [Node, Node];
      const connected = once(near.server, 'connection') as Promise<[ServerSocket]>;
      const client = openOld(near.url, { transports: [transport], forceNew: true });
      onTestFinished(() => client.close());
      const heard: unknown[][] = [];
      client.on('said', (...args: unknown[]) => void heard.push(['said', ...args]));
      client.on('asked', (what: Buffer, answer: (what: Buffer) => void) => answer(what));
      const fenced = new Promise((resolve) => client.on('fence', resolve));
      const [socket] = await connected;
      await socket.join('lobby');

      sayAll(near.server, socket);
      expect(await socket.timeout(10_000).emitWithAck('asked', bytes)).toEqual(bytes);
      far.server.to('lobby').emit('said', 'from afar', bytes);
      far.server.emit('fence');

      await fenced;
      expect(heard).toEqual([...words, ['said', 'from afar', bytes]]);
    },
  );
});

describe('a server that is to recover sessions', () => {
  // The official adapter keeps no sessions, so a client that comes back begins anew.
  it('serves as it does without, and says to who comes back that nothing is recovered', async () => {
    const { near, far, client, socket } = await start({ server: { connectionStateRecovery: {} } });
    const heard = untilFence(client, 2);

    sayAll(near.server, socket);
    far.server.to(client.id!).emit('said', 'to one');
    far.server.emit('fence');
    const { id } = client;
    await next(client, 'fence');
    client.io.engine.close();
    await next(client, 'connect');
    near.server.sockets.sockets.get(client.id!)!.emit('said', 'again');
    near.server.emit('fence');

    expect(await heard).toEqual([...words, ['said', 'to one'], ['said', 'again']]);
    expect(client.recovered).toBe(false);
    expect(client.id).not.toBe(id);
  });
});

/** A client on the near one of two nodes, in the lobby. */
async function start(options: NodeOptions = {}, carrier: (typeof carriers)[number] = 'embedded') {
  const [near, far] = (await startNodes(carrier, 2, options)) as [Node, Node];
  const client = await connect(near.url);
  const socket = near.server.sockets.sockets.get(client.id!)!;
  await socket.join('lobby');
  return { near, far, client, socket };
}

async function connect(url: string, options: Parameters<typeof openUntyped>[1] = {}): Promise<ClientSocket> {
  const client = openUntyped(url, options);
  await next(client, 'connect');
  return client;
}

function asked(client: ClientSocket, socket: ServerSocket): Promise<unknown> {
  client.on('asked', (what: Buffer, answer: (what: Buffer) => void) => answer(what));
  return socket.timeout(10_000).emitWithAck('asked', bytes);
}
