import type { INestApplication } from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';
import { UnknownElementException } from '@nestjs/core/errors/exceptions/unknown-element.exception.js';
import { RedisIoAdapter, type RedisIoAdapterOptions } from './redis-io.adapter.js';
import { Carrier } from './carrier.js';
import { ProviderMissingError } from './errors.js';
import { Publisher } from './publisher.js';

/** The token of the adapter's options, for an application that provides them. */
export const CLUSTER_IO_OPTIONS = Symbol('CLUSTER_IO_OPTIONS');

export type ClusterIoOptions = Omit<RedisIoAdapterOptions, 'carrier' | 'publisher'>;

/**
 * Has the application's gateways served by {@link RedisIoAdapter}, with what dependency injection knows: the carrier and
 * the publisher of `CarrierModule`, and the options that a provider of {@link CLUSTER_IO_OPTIONS} has, if there is one.
 *
 *     const app = await NestFactory.create(AppModule);
 *     await setupClusterIo(app);
 *     await app.listen(3000);
 *
 * It resolves once the guards for connections are made.
 *
 * @throws SetupTooLateError after `app.init()` or `app.listen()`.
 * @throws ProviderMissingError when the application has no carrier.
 */
export async function setupClusterIo(app: INestApplication): Promise<RedisIoAdapter> {
  const carrier = find(app, Carrier);
  if (!carrier) throw new ProviderMissingError('Carrier', 'CarrierModule.forRoot(…)');
  const publisher = find(app, Publisher);
  const options = find<ClusterIoOptions>(app, CLUSTER_IO_OPTIONS) ?? {};
  const adapter = new RedisIoAdapter(app, { ...options, carrier, ...(publisher && { publisher }) });
  await adapter.prepared();
  app.useWebSocketAdapter(adapter);
  return adapter;
}

type Token<T> = symbol | (abstract new (...args: never[]) => T);

function find<T>(app: INestApplication, token: Token<T>): T | undefined {
  // Asked itself, an application ends the process where there is nothing to find.
  const modules = app.get(ModuleRef);
  try {
    return modules.get<T>(token, { strict: false });
  } catch (error) {
    // Nest knows no question without an exception.
    if (error instanceof UnknownElementException) return undefined;
    throw error;
  }
}
