import { createServer } from 'node:http';
import { createAdapter } from '@socket.io/redis-adapter';
import { Redis } from 'ioredis';
import { Server } from 'socket.io';
import { listen } from '../listen.js';

/** Socket.IO with the official Redis adapter, as both document it. */
export async function start(redisUrl: string): Promise<number> {
  const publisher = new Redis(redisUrl);
  const subscriber = publisher.duplicate();
  const httpServer = createServer();
  const io = new Server(httpServer, { adapter: createAdapter(publisher, subscriber) });
  io.on('connection', (socket) => {
    socket.on('join', async (rooms: string[], acknowledge: (answer: true) => void) => {
      await socket.join(rooms);
      acknowledge(true);
    });
  });
  await subscriber.ping();
  return listen(httpServer);
}
