import type { DynamicModule, INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { RedisIoAdapter } from './adapter/redis-io.adapter.js';
import { Carrier } from './carrier.js';
import { toListenError } from './cluster/choose-port.js';
import type { Config } from './config.js';
import type { ProcessLogger } from './logger.js';
import { Readiness } from './ops/readiness.js';
import { Publisher } from './publisher.js';

/**
 * Starts the Nest application that serves clients, and resolves once it is ready: it listens, and every subscription
 * has been answered. While Redis is away it is as ready as it can be, and serves its own clients.
 */
export async function serve(module: DynamicModule, config: Config, logger: ProcessLogger): Promise<INestApplication> {
  const app = await NestFactory.create(module, { logger, abortOnError: false });
  try {
    const carrier = app.get(Carrier);
    const adapter = new RedisIoAdapter(app, {
      carrier,
      publisher: app.get(Publisher),
      key: config.redisKey,
      routing: config.redisRouting,
    });
    app.useWebSocketAdapter(adapter);
    await app.init();
    if (carrier.health.state === 'connected') await adapter.subscribed();
    await listen(app, config);
    app.get(Readiness).declareReady();
    return app;
  } catch (error) {
    await app.close();
    throw error;
  }
}

async function listen(app: INestApplication, { port, host }: Config): Promise<void> {
  try {
    await (host === undefined ? app.listen(port) : app.listen(port, host));
  } catch (error) {
    throw toListenError(error, port, host);
  }
}
