import type { IncomingMessage, ServerResponse } from 'node:http';
import type { DynamicModule, INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { RedisIoAdapter } from './redis-io.adapter.js';
import { Carrier } from './carrier.js';
import { toListenError } from './cluster/choose-port.js';
import { drainPaced } from './cluster/paced-drain.js';
import type { Config } from './config.js';
import type { BeatReceiver } from './heartbeat/beat-receiver.js';
import type { ProcessLogger } from './logger.js';
import { Readiness } from './ops/readiness.js';
import { SlowClientReport } from './ops/slow-client-report.js';
import { Publisher } from './publisher.js';
import type { SessionDesk } from './sessions/session-desk.js';
import type { SlowClientFigures } from './slow-clients.js';
import { within } from './within.js';

/** How long a client may wait for the answers that it is owed before its connection is closed. */
const answerTimeoutMs = 1_000;

/** How long a connection that has just been accepted may take to send its request, before it is refused. */
const newcomerTimeoutMs = 1_000;

/** What the other workers of the host mean for one. */
export interface Siblings {
  /** Whether other processes listen on the same port, each at a socket of its own. */
  readonly reusePort: boolean;
  /** Called when the listening socket has been closed; resolves once no connection comes any more. */
  readonly lastArrived: () => Promise<void>;
  /** Brings each worker what is its own. */
  readonly sessions: SessionDesk | undefined;
}

/** As one process has it. */
const none: Siblings = { reusePort: false, lastArrived: async () => {}, sessions: undefined };

/** A Nest application that serves clients. */
export interface Serving {
  readonly app: INestApplication;
  /** Clients connected now, and what waits for those that are slow. */
  clients(): { readonly connections: number; readonly slowClients: SlowClientFigures };
  /** Takes no more clients, lets those that are there go within `drainMs`, and closes the application. */
  drain(drainMs: number): Promise<void>;
}

/**
 * Starts the Nest application that serves clients, and resolves once it is ready: it listens, and every subscription
 * has been answered. While Redis is away it is as ready as it can be, and serves its own clients.
 */
export async function serve(
  module: DynamicModule,
  config: Config,
  logger: ProcessLogger,
  beats: BeatReceiver,
  siblings: Siblings = none,
): Promise<Serving> {
  const { sessions } = siblings;
  const app = await NestFactory.create(module, { logger, abortOnError: false });
  try {
    const carrier = app.get(Carrier);
    const readiness = app.get(Readiness);
    const adapter = new RedisIoAdapter(app, {
      carrier,
      publisher: app.get(Publisher),
      key: config.redisKey,
      name: `worker ${config.slot ?? 1} of ${config.hostName}`,
      routing: config.redisRouting,
      slowClients: { bufferBytes: config.clientBufferBytes, bufferAgeMs: config.clientBufferAgeMs },
      server: { transports: ['polling', 'websocket'], allowEIO3: config.allowEio3 },
      onServer: (server) => {
        sessions?.attach(server);
        beats.attach(server);
      },
      onFenced: (namespace, message) => beats.hear(namespace, message),
    });
    app.get(SlowClientReport).read = () => adapter.slowClients;
    await adapter.prepared();
    app.useWebSocketAdapter(adapter);
    app.use(refuseWhileStopping(readiness));
    await app.init();
    const { state } = carrier.health;
    if (state === 'connected' || state === 'degraded') await adapter.subscribed();
    await sessions?.open();
    await listen(app, config, siblings);
    readiness.declareReady();

    const drain = async (drainMs: number): Promise<void> => {
      adapter.stopListening();
      // Whoever has just been accepted is served, and goes with the other clients.
      const settled = Promise.all([siblings.lastArrived(), adapter.newcomers.settled()]);
      await within<unknown>(Math.min(newcomerTimeoutMs, config.shutdownTimeoutMs / 4), settled, () => {});
      readiness.declareStopping();
      adapter.refuseClients();
      sessions?.release();
      await drainPaced(adapter.clients(answerTimeoutMs, config.shutdownTimeoutMs / 2), drainMs);
      sessions?.release();
      beats.close();
      await app.close();
      sessions?.close();
    };
    return { app, clients: () => ({ connections: adapter.connections, slowClients: adapter.slowClients }), drain };
  } catch (error) {
    beats.close();
    await app.close();
    sessions?.close();
    throw error;
  }
}

/** Connections that were open before stay open, and what comes over them should go elsewhere. */
function refuseWhileStopping(readiness: Readiness) {
  return (request: IncomingMessage, response: ServerResponse, next: () => void): void => {
    // It says itself that it stops, and why.
    if (readiness.state !== 'stopping' || request.url?.split('?')[0] === '/health') return next();
    response.writeHead(503, { Connection: 'close', 'Content-Type': 'text/plain' });
    response.end('This worker is stopping: try again, another one will answer.\n');
  };
}

async function listen(app: INestApplication, { port, host }: Config, { reusePort }: Siblings): Promise<void> {
  try {
    // Nest hands it on to Node, which takes options as well as a port.
    await app.listen({ port, host, reusePort } as unknown as number);
  } catch (error) {
    throw toListenError(error, port, host);
  }
}
