import { createServer, type Server as HttpServer } from 'node:http';
import { type INestApplication, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { IoAdapter } from '@nestjs/platform-socket.io';
import { MessageBody, SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { Server } from 'socket.io';
import { RedisIoAdapter } from '../../../src/redis-io.adapter.js';
import type { Carrier } from '../../../src/carrier.js';
import { EmbeddedHub } from '../../../src/carrier/embedded-hub.js';
import { EmbeddedCarrier } from '../../../src/carrier/embedded.carrier.js';
import { localLink } from '../../../src/carrier/local-link.js';
import { RedisCarrier } from '../../../src/carrier/redis.carrier.js';

const transports: 'websocket'[] = ['websocket'];

@WebSocketGateway({ transports })
class OneHandlerGateway {
  @SubscribeMessage('say')
  say(@MessageBody() text: string): string {
    return text;
  }
}

@Module({ providers: [OneHandlerGateway] })
class OneHandlerModule {}

/** Each starts a server with one handler that listens. */
export const contestants = {
  stock: () => startNest((app) => new IoAdapter(app)),
  bare: async () => {
    const httpServer = createServer();
    new Server(httpServer, { transports }).on('connection', (socket) => {
      socket.on('say', (text: string, acknowledge: (answer: string) => void) => acknowledge(text));
    });
    await new Promise<void>((resolve) => httpServer.listen(0, '127.0.0.1', resolve));
    return httpServer;
  },
  'ours, embedded': () => {
    const link = localLink();
    new EmbeddedHub().attach(link.hub);
    return startOurs(new EmbeddedCarrier(link.process));
  },
  'ours, Redis': async (url: string) => {
    const carrier = new RedisCarrier({ url });
    await carrier.connect(5_000);
    return startOurs(carrier);
  },
};

export type MemoryContestant = keyof typeof contestants;

function startOurs(carrier: Carrier): Promise<HttpServer> {
  return startNest((app) => new RedisIoAdapter(app, { carrier }));
}

async function startNest(adapterOf: (app: INestApplication) => IoAdapter): Promise<HttpServer> {
  const app = await NestFactory.create(OneHandlerModule, { logger: ['error'] });
  app.useWebSocketAdapter(adapterOf(app));
  await app.listen(0, '127.0.0.1');
  return app.getHttpServer() as HttpServer;
}
