import { createServer } from 'node:http';
import type { Socket } from 'node:net';
import { Redis } from 'ioredis';
import { decode } from 'notepack.io';
import { type WebSocket, WebSocketServer } from 'ws';
import { listen } from '../listen.js';

const sid = '"sid":"0123456789abcdef0123"';
const open = `0{${sid},"upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}`;

/**
 * What Node can do at best: it makes a frame of each message, merges all frames of a turn of the event loop into one
 * buffer, and writes that to the TCP socket of every client. It has no rooms, no limits and no way back.
 */
export async function start(redisUrl: string): Promise<number> {
  const httpServer = createServer();
  const sockets = new Set<Socket>();
  new WebSocketServer({ server: httpServer }).on('connection', (client, { socket }) => {
    greet(client, () => sockets.add(socket));
    client.on('close', () => sockets.delete(socket));
  });
  const subscriber = new Redis(redisUrl);
  await subscriber.psubscribe('socket.io#/#*');
  let frames: Buffer[] = [];
  const flush = (): void => {
    const merged = Buffer.concat(frames);
    frames = [];
    for (const socket of sockets) socket.write(merged);
  };
  subscriber.on('pmessageBuffer', (_pattern: string, _channel: Buffer, message: Buffer) => {
    if (frames.length === 0) setImmediate(flush);
    frames.push(frameOf(message));
  });
  return listen(httpServer);
}

/** As much of Engine.IO and Socket.IO as a client needs to get messages. */
function greet(client: WebSocket, greeted: () => void): void {
  client.send(open);
  client.once('message', () => {
    client.send(`40{${sid}}`);
    greeted();
  });
}

function frameOf(message: Buffer): Buffer {
  const [, { data }] = decode(message) as [string, { data: unknown[] }];
  const payload = Buffer.from(`42${JSON.stringify(data)}`);
  return Buffer.concat([header(payload.length), payload]);
}

function header(length: number): Buffer {
  if (length < 126) return Buffer.from([0x81, length]);
  const bytes = Buffer.from([0x81, 126, 0, 0]);
  bytes.writeUInt16BE(length, 2);
  return bytes;
}
