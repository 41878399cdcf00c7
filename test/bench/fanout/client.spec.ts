import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Server, type Socket } from 'socket.io';
import { describe, expect, it, onTestFinished } from 'vitest';
import { Client } from '../../../bench/fanout/client.js';
import { payload, sentAt, sequenceAt } from '../../../bench/fanout/message.js';
import { protocols } from '../../../bench/fanout/protocol.js';

describe('a client of the bench', () => {
  it.each([
    ['text', 100, (text: string): unknown => text],
    ['bytes', 100, (text: string): unknown => Buffer.from(text)],
    ['long text', 200_000, (text: string): unknown => text],
  ])('reads %s from Socket.IO', async (_, bytes, make) => {
    const { server, port } = await listen({ maxHttpBufferSize: 1e6 });
    const { client, read } = open(port);
    await client.ready();

    for (const sequence of [1, 2, 3]) server.emit('m', make(payload(sequence, 40 + sequence, bytes)));

    expect(await read(3)).toEqual([
      { sequence: 1, micros: 41, size: bytes },
      { sequence: 2, micros: 42, size: bytes },
      { sequence: 3, micros: 43, size: bytes },
    ]);
  });

  it('answers pings', async () => {
    const { server, port } = await listen({ pingInterval: 20, pingTimeout: 100 });
    const connected = once(server, 'connection') as Promise<[Socket]>;
    const { client } = open(port);
    await client.ready();

    const [socket] = await connected;
    for (let pongs = 0; pongs < 3; pongs++) await once(socket.conn, 'heartbeat');

    expect(socket.connected).toBe(true);
  });

  it('is in its rooms once the server has said so', async () => {
    const { server, port } = await listen({});
    server.on('connection', (socket) => {
      socket.on('join', async (rooms: string[], acknowledge: (answer: true) => void) => {
        await socket.join(rooms);
        acknowledge(true);
      });
    });
    const { client } = open(port);
    await client.ready();

    await client.join(['one', 'two']);

    expect([...server.sockets.adapter.rooms.keys()]).toEqual(expect.arrayContaining(['one', 'two']));
  });

  it('tells of its end', async () => {
    const { server, port } = await listen({});
    const { client, faults } = open(port);
    await client.ready();

    server.disconnectSockets(true);

    await expect.poll(() => faults).toContain('was disconnected');
  });
});

async function listen(options: object) {
  const httpServer = createServer();
  const server = new Server(httpServer, options);
  httpServer.listen(0, '127.0.0.1');
  await once(httpServer, 'listening');
  onTestFinished(() => server.close());
  return { server, port: (httpServer.address() as AddressInfo).port };
}

function open(port: number) {
  const messages: { sequence: number; micros: number; size: number }[] = [];
  const faults: string[] = [];
  const client = new Client(port, protocols.socketIo, {
    message: (bytes, from, to) =>
      messages.push({ sequence: sequenceAt(bytes, from), micros: sentAt(bytes, from), size: to - from }),
    fault: (what) => faults.push(what),
  });
  const read = async (count: number) => {
    await expect.poll(() => messages.length).toBeGreaterThanOrEqual(count);
    return messages;
  };
  return { client, read, faults };
}
