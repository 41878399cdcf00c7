import 'reflect-metadata';
import { createServer, type Server as HttpServer } from 'node:http';
import {
  type CallHandler,
  type CanActivate,
  type ExecutionContext,
  Module,
  type NestInterceptor,
  StandardSchemaValidationPipe,
  type Type,
  UseGuards,
  UseInterceptors,
  UsePipes,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { IoAdapter } from '@nestjs/platform-socket.io';
import { ConnectedSocket, MessageBody, SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import type { Observable } from 'rxjs';
import { Server, type Socket } from 'socket.io';
import { z } from 'zod';
import { RedisIoAdapter } from '../../src/redis-io.adapter.js';
import { EmbeddedHub } from '../../src/carrier/embedded-hub.js';
import { EmbeddedCarrier } from '../../src/carrier/embedded.carrier.js';
import { localLink } from '../../src/carrier/local-link.js';
import { type Payload, answerTo, eventNames, type Work } from './work.js';

const transports: 'websocket'[] = ['websocket'];

const payloadSchema = z.object({ text: z.string().max(200), sequence: z.number().int() });

class EverybodyMay implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    return context.switchToWs().getClient<Socket>().connected;
  }
}

class PassThrough implements NestInterceptor {
  intercept(_: ExecutionContext, next: CallHandler): Observable<unknown> {
    return next.handle();
  }
}

/** A gateway as a team writes it, but for the number of its handlers. */
function gatewayWith({ handlers, pipeline }: Work): Type {
  class BenchGateway {}
  for (const name of eventNames(handlers)) {
    const handle = { value: (_: Socket, payload: Payload) => answerTo(payload), writable: true, configurable: true };
    Object.defineProperty(handle.value, 'name', { value: name });
    Object.defineProperty(BenchGateway.prototype, name, handle);
    ConnectedSocket()(BenchGateway.prototype, name, 0);
    MessageBody({ schema: payloadSchema })(BenchGateway.prototype, name, 1);
    SubscribeMessage(name)(BenchGateway.prototype, name, handle);
  }
  if (pipeline) {
    UseGuards(new EverybodyMay())(BenchGateway);
    UseInterceptors(new PassThrough())(BenchGateway);
    UsePipes(new StandardSchemaValidationPipe())(BenchGateway);
  }
  WebSocketGateway({ transports })(BenchGateway);
  return BenchGateway;
}

async function startNest(work: Work, adapterOf: (app: Awaited<ReturnType<typeof create>>) => IoAdapter) {
  const app = await create(work);
  app.useWebSocketAdapter(adapterOf(app));
  await app.listen(0, '127.0.0.1');
  return app.getHttpServer() as HttpServer;
}

function create(work: Work) {
  const gateway = gatewayWith(work);
  class BenchModule {}
  Module({ providers: [gateway] })(BenchModule);
  return NestFactory.create(BenchModule, { logger: ['error'] });
}

function openCarrier(): EmbeddedCarrier {
  const link = localLink();
  new EmbeddedHub().attach(link.hub);
  return new EmbeddedCarrier(link.process);
}

/** Each starts a server that listens. */
export const contestants = {
  stock: (work: Work) => startNest(work, (app) => new IoAdapter(app)),
  bare: async ({ handlers }: Work) => {
    const httpServer = createServer();
    const server = new Server(httpServer, { transports });
    const names = eventNames(handlers);
    server.on('connection', (socket) => {
      for (const name of names) {
        socket.on(name, (payload: Payload, acknowledge: (answer: unknown) => void) => acknowledge(answerTo(payload)));
      }
    });
    await new Promise<void>((resolve) => httpServer.listen(0, '127.0.0.1', resolve));
    return httpServer;
  },
  ours: (work: Work) => startNest(work, (app) => new RedisIoAdapter(app, { carrier: openCarrier() })),
};

export type Contestant = keyof typeof contestants;
