import { fork } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Server, type ServerOptions, type Socket } from 'socket.io';
import type { ManagerOptions } from 'socket.io-client';
import openOldClient from 'socket.io-client-2';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { CoalescedDelivery } from '../../src/delivery/coalesced-delivery.js';
import { next, openUntyped } from '../support/clients.js';

describe('A packet', () => {
  it('goes past Engine.IO’s queue to a client with an open WebSocket', async () => {
    const { socket, heard } = await connect();
    const queued = vi.spyOn(socket.conn, 'write');

    socket.emit('a', 1);

    expect(await heard('a')).toEqual([1]);
    expect(queued).not.toHaveBeenCalled();
  });

  it.each([
    ['polls', {}, { transports: ['polling'] }],
    ['compresses', { perMessageDeflate: true }, {}],
  ] as const)('goes through it to a client that %s', async (_, server, client) => {
    const { socket, heard } = await connect(server, client as never);
    const queued = vi.spyOn(socket.conn, 'write');

    socket.emit('a', 1);

    expect(await heard('a')).toEqual([1]);
    expect(queued).toHaveBeenCalledOnce();
  });

  it.each(['packetCreate', 'flush', 'drain'])(
    'goes through it where a team listens to Engine.IO’s “%s”',
    async (event) => {
      const { socket, heard } = await connect();
      const told = vi.fn<() => void>();

      socket.emit('a', 1);
      socket.conn.on(event, told);
      socket.emit('a', 2);
      socket.emit('a', 3);

      expect([await heard('a'), await heard('a'), await heard('a')]).toEqual([[1], [2], [3]]);
      expect(told).toHaveBeenCalledTimes(2);
    },
  );

  it('goes through it where a team listens to it for all clients', async () => {
    const { server, socket, heard } = await connect();
    const told = vi.fn<() => void>();

    server.engine.on('flush', told);
    socket.emit('a', 1);

    expect(await heard('a')).toEqual([1]);
    expect(told).toHaveBeenCalledOnce();
  });

  it('goes through it to a client of an old protocol, whose attachments are written in another way', async () => {
    const server = await serve({ allowEIO3: true });
    const connected = once(server, 'connection');
    const client = openOldClient(urlOf(server), { transports: ['websocket'], forceNew: true });
    onTestFinished(() => client.close());
    const [socket] = (await connected) as [Socket];
    const heard = new Promise((resolve) => client.on('a', resolve));

    socket.emit('a', Buffer.from([1, 2]));

    expect(Buffer.from((await heard) as ArrayBuffer)).toEqual(Buffer.from([1, 2]));
  });

  it('is what it was when it was emitted, also where its bytes are changed in the same turn', async () => {
    const { socket, heard } = await connect();
    const bytes = Buffer.from('before');

    socket.emit('a', bytes);
    bytes.write('after!');

    expect(await heard('a')).toEqual([Buffer.from('before')]);
  });

  it('does not overtake what a team gives to Engine.IO itself in the same turn', async () => {
    const { socket, heard } = await connect();

    socket.emit('a', 0);
    socket.conn.write('2["a",1]');
    socket.conn.write('2["a",2]');
    socket.emit('a', 3);

    expect([await heard('a'), await heard('a'), await heard('a'), await heard('a')]).toEqual([[0], [1], [2], [3]]);
  });

  it('is sent by a process that ends in the same turn', async () => {
    const program = fork('dist/test/fixtures/goodbye.server.js');
    onTestFinished(() => void program.kill('SIGKILL'));
    const [port] = (await once(program, 'message')) as [number];
    const client = openUntyped(`http://127.0.0.1:${port}`, { reconnection: false });

    expect(await next(client, 'good-bye')).toEqual([1]);
  });

  it('is sent by listeners to Engine.IO’s “drain” as fast as the client takes it, and not deeper and deeper', async () => {
    const { socket, heard } = await connect();
    let sent = 0;
    socket.conn.on('drain', () => {
      if (++sent <= 20_000) socket.emit('a', sent);
    });

    socket.emit('a', 0);

    await vi.waitUntil(() => sent > 20_000, { timeout: 20_000 });
    expect(await heard('a')).toEqual([0]);
    expect(await heard('a')).toEqual([1]);
  }, 30_000);
});

async function serve(options: Partial<ServerOptions> = {}): Promise<Server> {
  const delivery = new CoalescedDelivery();
  const server = new Server(createServer(), { ...delivery.serverOptions, ...options });
  server.use((socket, admit) => {
    delivery.adopt(socket);
    admit();
  });
  onTestFinished(() => server.close());
  server.httpServer.listen(0, '127.0.0.1');
  await once(server.httpServer, 'listening');
  return server;
}

/** A client of a server whose packets are delivered by what is tested. */
async function connect(options: Partial<ServerOptions> = {}, clientOptions: Partial<ManagerOptions> = {}) {
  const server = await serve(options);
  const connected = once(server, 'connection');
  const client = openUntyped(urlOf(server), { transports: ['websocket'], ...clientOptions });
  const [socket] = (await connected) as [Socket];
  const inboxes = new Map<string, unknown[][]>();
  client.onAny((event: string, ...args: unknown[]) => inboxes.set(event, [...(inboxes.get(event) ?? []), args]));
  const heard = (event: string): Promise<unknown[]> =>
    vi.waitUntil(() => {
      const [first, ...rest] = inboxes.get(event) ?? [];
      inboxes.set(event, rest);
      return first;
    });
  return { server, socket, heard };
}

function urlOf(server: Server): string {
  return `http://127.0.0.1:${(server.httpServer.address() as AddressInfo).port}`;
}
