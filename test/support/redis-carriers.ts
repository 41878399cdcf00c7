import { Redis } from 'ioredis';
import { inject, onTestFinished } from 'vitest';
import { RedisCarrier, type RedisCarrierOptions, type RedisOutageOptions } from '../../src/carrier/redis.carrier.js';
import { openRedisClients, type RedisClients } from '../../src/carrier/redis-clients.js';
import { type RedisServer, startRedis } from './redis-server.js';

/** A Redis of the test's own, for what would harm other tests. */
export async function ownRedis(port?: number, options?: string[]): Promise<RedisServer> {
  const redis = await startRedis(inject('redisServer'), port, options);
  onTestFinished(() => redis.stop());
  return redis;
}

/** A carrier that has connected. It ends with the test. */
export async function connected(options: RedisCarrierOptions): Promise<RedisCarrier> {
  const carrier = new RedisCarrier(options);
  onTestFinished(() => carrier.close());
  await carrier.connect(10_000);
  return carrier;
}

/** A carrier with connections as it would open them itself, and a view of their events. */
export async function watched(
  url: string,
  options: RedisOutageOptions = {},
): Promise<{ carrier: RedisCarrier; clients: RedisClients }> {
  const clients = openRedisClients({ url });
  endWithTest(clients);
  return { carrier: await connected({ ...options, ...clients }), clients };
}

/** Connections as a team has them: with all of ioredis' defaults. */
export function handedOver(url: string): RedisClients {
  const clients = { publisher: new Redis(url), subscriber: new Redis(url) };
  endWithTest(clients);
  return clients;
}

export function administrator(url: string): Redis {
  const client = new Redis(url);
  onTestFinished(() => client.disconnect());
  return client;
}

function endWithTest({ publisher, subscriber }: RedisClients): void {
  for (const client of [publisher, subscriber]) {
    client.on('error', () => {});
    onTestFinished(() => client.disconnect());
  }
}

/** Unlike `once`, it does not fail with the error that a cut may raise first. */
export function closing(client: Redis): Promise<unknown> {
  return new Promise((resolve) => client.once('close', resolve));
}

export async function idOf(client: Redis): Promise<number> {
  return client.client('ID');
}
