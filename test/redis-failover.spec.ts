import { once } from 'node:events';
import { Redis, type RedisOptions } from 'ioredis';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openRedis } from '../src/redis-address.js';
import { FakeSentinel } from './support/fake-sentinel.js';
import { ownRedis } from './support/redis-carriers.js';

const options: RedisOptions = { retryStrategy: () => 10, lazyConnect: true };

const ways: readonly (readonly [name: string, open: (port: number) => Redis, outcome: 'end' | 'ready'])[] = [
  [
    'stock ioredis, which ends for good',
    (port) =>
      new Redis({ ...options, sentinels: [{ host: '127.0.0.1', port }], name: 'fleet', failoverDetector: true }),
    'end',
  ],
  [
    'ours, which is there again',
    (port) => openRedis({ url: `redis-sentinel://127.0.0.1:${port}/fleet` }, options),
    'ready',
  ],
];

describe('a failover that is heard of', () => {
  it.each(ways)('while the sentinels are asked who is the primary, by %s', async (_, open, outcome) => {
    const { client, sentinel, listener } = await startClient(open);
    const asked = sentinel.hold();
    client.stream.destroy();
    await asked;

    await sentinel.tell(listener);
    const next = new Promise((resolve) => {
      for (const event of ['end', 'ready']) client.once(event, () => resolve(event));
    });
    sentinel.release();

    expect(await next).toBe(outcome);
  });

  it('while there is a connection ends that, and the next one is made', async () => {
    const { client, sentinel, listener } = await startClient(ways[1]![1]);
    const again = once(client, 'ready');

    await sentinel.tell(listener);
    await again;

    expect(await client.ping()).toBe('PONG');
  });

  it('does not keep a client that is ended by hand, also after one that it has heeded', async () => {
    const { client, sentinel, listener } = await startClient(ways[1]![1]);
    const asked = sentinel.hold();
    client.stream.destroy();
    await asked;
    await sentinel.tell(listener);
    const ended = once(client, 'end');

    client.disconnect();
    sentinel.release();

    await ended;
    expect(client.status).toBe('end');
  });
});

async function startClient(open: (port: number) => Redis) {
  const redis = await ownRedis();
  const sentinel = await FakeSentinel.start(redis.port);
  const client = open(sentinel.port);
  client.on('error', () => {});
  onTestFinished(() => client.disconnect());
  const [listener] = await Promise.all([sentinel.listener(), once(client, 'ready'), client.connect()]);
  return { client, sentinel, listener };
}
