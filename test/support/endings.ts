import { once } from 'node:events';
import { connect as connectTcp } from 'node:net';
import { Redis } from 'ioredis';
import { inject, onTestFinished } from 'vitest';
import type { CarrierName } from './carriers.js';
import { type Client, next } from './clients.js';
import { eventually, markFamily } from './processes.js';
import { type RedisServer, startRedis } from './redis-server.js';
import { type ProgramOptions, type RunningProgram, startProgram } from './start-program.js';

/** Starts a program of which no process is missed, with a Redis of its own where it needs one. */
export async function startCluster(carrier: CarrierName, { entry, env = {} }: ProgramOptions = {}) {
  const family = markFamily();
  const redis = carrier === 'redis' ? await startOwnRedis() : undefined;
  const redisEnvironment = redis ? { REDIS_URL: redis.server.url, REDIS_KEY: 'the-same' } : {};
  const cluster = await startProgram({
    ...(entry && { entry }),
    workers: 2,
    env: { ...family.env, ...redisEnvironment, ...env },
  });
  return { cluster, family, redis };
}

export interface OwnRedis {
  readonly server: RedisServer;
  /** Resolves once nobody but the test is connected to it. */
  hasNoClients(): Promise<void>;
}

async function startOwnRedis(): Promise<OwnRedis> {
  const server = await startRedis(inject('redisServer'));
  onTestFinished(() => server.stop());
  const hasNoClients = async (): Promise<void> => {
    const witness = new Redis(server.url);
    onTestFinished(() => witness.disconnect());
    const list = async (): Promise<string[]> =>
      String(await witness.client('LIST'))
        .trim()
        .split('\n');
    await eventually(list, ({ length }) => length === 1, 'Connections to Redis are left');
  };
  return { server, hasNoClients };
}

export async function reasonOfDisconnect(client: Client): Promise<string> {
  const [reason] = await next(client as never, 'disconnect' as never);
  return reason as string;
}

/** A client has begun a request, the server has taken it up, and the client does not go on. */
export async function holdRequest({ url }: RunningProgram): Promise<void> {
  const { hostname, port } = new URL(url);
  const connection = connectTcp(Number(port), hostname);
  onTestFinished(() => void connection.destroy());
  connection.on('error', () => {});
  await once(connection, 'connect');
  connection.write(
    'POST /notifications/ada HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\nExpect: 100-continue\r\n\r\n',
  );
  await once(connection, 'data');
}

/** Everything that it and its workers print, once they have ended. */
export async function allSaidBy(cluster: RunningProgram): Promise<string> {
  await once(cluster.process, 'close');
  return cluster.output();
}

/** Asks it to end, and tells how it did. */
export async function endOf(cluster: RunningProgram) {
  const started = performance.now();
  cluster.process.kill('SIGTERM');
  const ended = await cluster.exited;
  return { ...ended, withinTenSeconds: performance.now() - started < 10_000 };
}
