import { once } from 'node:events';
import type { Socket as ServerSocket } from 'socket.io';
import type { Socket as ClientSocket } from 'socket.io-client';
import { describe, expect, it } from 'vitest';
import { carriers } from '../support/carriers.js';
import { next, openUntyped } from '../support/clients.js';
import { eventually } from '../support/eventually.js';
import { type Node, startNodes, untilFence } from '../support/nodes.js';
import { RawClient } from '../support/raw-client.js';
import { watchForUnhandled } from '../support/rejections.js';

/** How a server lets a client go. */
const endings = {
  'disconnect()': (socket: ServerSocket) => void socket.disconnect(),
  'disconnect(true)': (socket: ServerSocket) => void socket.disconnect(true),
  'conn.close()': ({ conn }: ServerSocket) => conn.close(),
};
const endingNames = Object.keys(endings) as (keyof typeof endings)[];

const before = Array.from({ length: 20 }, (_, sequence) => ['said', 'before', sequence]);
const after = Array.from({ length: 20 }, (_, sequence) => ['said', 'after', sequence]);

describe.each(endingNames)('a client that the server ends with %s in the middle of a turn', (ending) => {
  it.each(['websocket', 'polling'] as const)(
    'hears by %s all that came before, and nothing after',
    async (transport) => {
      const { near, socketOf } = await start('embedded');
      const client = await connect(near, transport);
      const heard: unknown[][] = [];
      client.onAny((...event: unknown[]) => void heard.push(event));
      const left = next(client, 'disconnect');
      const bytes = Buffer.alloc(1_000, 7);

      say(near, before);
      near.server.to(client.id!).emit('said', bytes);
      socketOf(client).emit('said', 'directly');
      near.server.emit('said', 'at last');
      endings[ending](socketOf(client));
      say(near, after);

      await left;
      expect(heard).toEqual([...before, ['said', bytes], ['said', 'directly'], ['said', 'at last']]);
    },
  );

  it.each(carriers)('takes nothing from the others, over the %s carrier', async (carrier) => {
    const { near, far, socketOf } = await start(carrier);
    const leaving = await connect(near, 'websocket');
    const others = await Promise.all([connect(near, 'websocket'), connect(near, 'polling'), far.connect()]);
    const heard = others.map((other) => untilFence(other));

    say(near, before);
    endings[ending](socketOf(leaving));
    say(near, after);
    near.server.emit('fence');

    expect(await Promise.all(heard)).toEqual(others.map(() => [...before, ...after]));
  });

  it('is let go although it does not read what waits for it, and nobody else is troubled', async () => {
    const { near } = await start('embedded');
    const expectNothingUnhandled = watchForUnhandled();
    const { stuck, socket } = await startStuck(near);
    const other = await near.connect();
    const heard = untilFence(other);

    say(near, before);
    endings[ending](socket);
    stuck.socket.resetAndDestroy();
    say(near, after);
    near.server.emit('fence');

    expect(await heard).toEqual([...before, ...after]);
    if (socket.connected) await once(socket, 'disconnect');
    await eventually(
      () => near.adapter.connections,
      (connections) => connections === 1,
    );
    await expectNothingUnhandled();
  });
});

describe('a client whose connection is reset with frames waiting', () => {
  it('is gone, and the others hear all', async () => {
    const { near } = await start('embedded');
    const expectNothingUnhandled = watchForUnhandled();
    const { stuck, socket } = await startStuck(near);
    const other = await near.connect();
    const heard = untilFence(other);
    const gone = once(socket, 'disconnect');

    say(near, before);
    stuck.socket.resetAndDestroy();
    await gone;
    say(near, after);
    near.server.emit('fence');

    expect(await heard).toEqual([...before, ...after]);
    expect(near.adapter.connections).toBe(1);
    await expectNothingUnhandled();
  });

  it('is gone as well when the server writes to it again and again', async () => {
    const { near } = await start('embedded');
    const expectNothingUnhandled = watchForUnhandled();
    const raw = await RawClient.connect(near.url);
    const socket = near.server.sockets.sockets.get(raw.id)!;
    const gone = once(socket, 'disconnect');
    const other = await near.connect();

    raw.socket.resetAndDestroy();
    while (socket.connected) {
      near.server.emit('said', 'to all');
      socket.emit('said', 'to it');
      await other.emitWithAck('join', 'lobby');
    }

    expect((await gone)[0]).toMatch(/^transport (close|error)$/);
    await expectNothingUnhandled();
  });
});

describe.each(carriers)('over the %s carrier, what a `disconnect` handler sends', (carrier) => {
  it.each([...endingNames, 'the client'] as const)(
    'after %s reaches the others, and does no harm to who has gone',
    async (ending) => {
      const { near, far, socketOf } = await start(carrier);
      const expectNothingUnhandled = watchForUnhandled();
      const leaving = await connect(near, 'websocket');
      const others = await Promise.all([connect(near, 'websocket'), far.connect()]);
      const heard = others.map((other) => untilFence(other));
      const socket = socketOf(leaving);
      await socket.join('lobby');
      await Promise.all(others.map((other) => other.emitWithAck('join', 'lobby')));
      socket.on('disconnecting', () => void socket.to('lobby').emit('said', 'I am going'));
      const gone = new Promise<void>((resolve) => {
        socket.on('disconnect', () => {
          socket.emit('said', 'to nobody');
          near.server.to(socket.id).emit('said', 'to nobody');
          near.server.to('lobby').emit('said', 'it has gone');
          near.server.emit('fence');
          resolve();
        });
      });

      near.server.emit('said', 'before');
      if (ending === 'the client') leaving.disconnect();
      else endings[ending](socket);
      await gone;

      const words = ['before', 'I am going', 'it has gone'].map((each) => ['said', each]);
      expect(await Promise.all(heard)).toEqual(others.map(() => words));
      await expectNothingUnhandled();
    },
  );
});

async function start(carrier: (typeof carriers)[number]) {
  const server = { transports: ['polling' as const, 'websocket' as const] };
  // Clients that do not read are not to be let go for it here.
  const slowClients = { bufferBytes: 2 ** 30 };
  const [near, far] = (await startNodes(carrier, 2, { server, slowClients })) as [Node, Node];
  return { near, far, socketOf: ({ id }: ClientSocket) => near.server.sockets.sockets.get(id!)! };
}

async function connect({ url }: Node, transport: 'websocket' | 'polling'): Promise<ClientSocket> {
  const client = openUntyped(url, { transports: [transport], reconnection: false });
  await next(client, 'connect');
  return client;
}

/** A client that does not read, with more waiting for it than the kernel takes. */
async function startStuck({ url, server }: Node) {
  const stuck = await RawClient.connect(url);
  const socket = server.sockets.sockets.get(stuck.id)!;
  stuck.pause();
  for (let megabytes = 0; megabytes < 20; megabytes++) socket.emit('said', Buffer.alloc(1_000_000));
  return { stuck, socket };
}

function say({ server }: Node, words: readonly unknown[][]): void {
  for (const [event, ...args] of words) server.emit(event as string, ...args);
}
