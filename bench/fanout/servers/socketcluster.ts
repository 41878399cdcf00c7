import { createServer } from 'node:http';
import { Redis } from 'ioredis';
import { decode } from 'notepack.io';
import { attach } from 'socketcluster-server';
import { listen } from '../listen.js';
import { eventName } from '../protocol.js';

/** SocketCluster with its defaults, and a bridge from Redis to a channel that all clients subscribe to. */
export async function start(redisUrl: string): Promise<number> {
  const httpServer = createServer();
  const { exchange } = attach(httpServer);
  const subscriber = new Redis(redisUrl);
  await subscriber.psubscribe('socket.io#/#*');
  subscriber.on('pmessageBuffer', (_pattern: string, _channel: Buffer, message: Buffer) => {
    const [, { data }] = decode(message) as [string, { data: unknown[] }];
    void exchange.transmitPublish(eventName, data[1]);
  });
  return listen(httpServer);
}
