import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { WebSocketGateway, WebSocketServer } from '@nestjs/websockets';
import { createAdapter, createShardedAdapter } from '@socket.io/redis-adapter';
import { Redis } from 'ioredis';
import { Server } from 'socket.io';
import { RedisIoAdapter } from '../../../src/redis-io.adapter.js';
import { RedisCarrier } from '../../../src/carrier/redis.carrier.js';

@WebSocketGateway()
class SilentGateway {
  @WebSocketServer()
  readonly server!: Server;
}

@Module({ providers: [SilentGateway] })
class SilentModule {}

/** Each starts a worker that listens, and resolves once its subscriptions are live. */
export const contestants = {
  /** The official adapter as it is by default: every worker hears everything. */
  classic: (url: string) => startOfficial(url, createAdapter),
  /** The official adapter for sharded publish and subscribe, with a channel for each room. */
  sharded: (url: string) =>
    startOfficial(url, (publisher, subscriber) =>
      createShardedAdapter(publisher, subscriber, { subscriptionMode: 'dynamic' }),
    ),
  ours: async (url: string): Promise<Server> => {
    const carrier = new RedisCarrier({ url });
    await carrier.connect(5_000);
    const app = await NestFactory.create(SilentModule, { logger: ['error'] });
    const adapter = new RedisIoAdapter(app, { carrier });
    app.useWebSocketAdapter(adapter);
    await app.listen(0, '127.0.0.1');
    await adapter.subscribed();
    return app.get(SilentGateway).server;
  },
};

export type Contestant = keyof typeof contestants;

async function startOfficial(
  url: string,
  adapterOf: (publisher: Redis, subscriber: Redis) => ReturnType<typeof createAdapter | typeof createShardedAdapter>,
): Promise<Server> {
  const [publisher, subscriber] = [new Redis(url), new Redis(url)];
  const server = new Server({ transports: ['websocket'], adapter: adapterOf(publisher, subscriber) as never });
  server.listen(0);
  // Redis answers a connection in order: the adapter has subscribed by then.
  await subscriber.ping();
  return server;
}
