import { describe, expect, inject, it, onTestFinished } from 'vitest';
import type { RedisServer } from '../support/redis-server.js';
import { startRedis } from '../support/redis-server.js';
import { startFleet, startNode, untilFence } from '../support/nodes.js';
import { watchForUnhandled } from '../support/rejections.js';

/** Far more than a client may wait, and far less than it would if something waited for Redis itself. */
const boundedMs = 5_000;

const outages = [
  ['is down', (redis: RedisServer) => redis.stop()],
  ['is silent', (redis: RedisServer) => Promise.resolve(void redis.process.kill('SIGSTOP'))],
] as const;

describe.each(outages)('a node whose Redis %s', (_, outage) => {
  it('delivers to its own clients at once', async () => {
    const failed = watchForUnhandled();
    const { node, redis } = await start();
    const clients = [await node.connect(), await node.connect()];
    for (const client of clients) await client.emitWithAck('join', 'lobby');
    const heard = clients.map((client) => untilFence(client));
    await outage(redis);

    const since = performance.now();
    for (let sequence = 0; sequence < 100; sequence++) node.server.to('lobby').emit('said', sequence);
    node.server.to(clients[0]!.id!).emit('said', 'to one');
    node.server.in(clients[1]!.id!).socketsJoin('hall');
    node.server.to('hall').emit('said', 'to the hall');
    node.server.emit('fence');

    const hundred = Array.from({ length: 100 }, (_unused, sequence) => ['said', sequence]);
    expect(await Promise.all(heard)).toEqual([
      [...hundred, ['said', 'to one']],
      [...hundred, ['said', 'to the hall']],
    ]);
    expect(performance.now() - since).toBeLessThan(boundedMs);
    await failed();
  });

  it('lets clients connect, join and leave, and answers what it can', async () => {
    const failed = watchForUnhandled();
    const { node, redis } = await start();
    const client = await node.connect();
    await outage(redis);

    const since = performance.now();
    expect(await client.emitWithAck('join', 'lobby')).toBe(true);
    expect(await client.emitWithAck('join without waiting', 'hall')).toBe(true);
    expect(await client.emitWithAck('leave', 'hall')).toBe(true);
    const other = await node.connect();
    expect(performance.now() - since).toBeLessThan(boundedMs);

    expect((await node.server.fetchSockets()).map(({ id }) => id).toSorted()).toEqual(
      [client.id!, other.id!].toSorted(),
    );
    expect(await node.server.serverSideEmitWithAck('who')).toEqual([]);
    expect(performance.now() - since).toBeLessThan(3 * boundedMs);
    await failed();
  });

  it('ends all the same', async () => {
    const failed = watchForUnhandled();
    const { node, redis } = await start();
    await node.connect();
    await outage(redis);

    const since = performance.now();
    await node.app.close();
    await node.carrier.close();

    expect(performance.now() - since).toBeLessThan(boundedMs);
    await failed();
  });
});

describe('a node whose Redis is back', () => {
  it('hears of rooms that were joined meanwhile, and not of those that were left', async () => {
    const failed = watchForUnhandled();
    const { node, redis, fleet } = await start();
    const far = await startNode(fleet);
    const client = await node.connect();
    await client.emitWithAck('join', 'left');
    await redis.stop();
    await client.emitWithAck('join', 'lobby');
    await client.emitWithAck('leave', 'left');

    await ownRedis(redis.port);
    await Promise.all([node, far].map(({ carrier }) => carrier.subscribe(['back'])));
    const heard = untilFence(client);
    far.server.to('lobby').emit('said', 'to the lobby');
    far.server.to(client.id!).emit('said', 'to you');
    far.server.emit('fence');

    expect(await heard).toEqual([
      ['said', 'to the lobby'],
      ['said', 'to you'],
    ]);
    expect(await far.carrier.subscribers(`${fleet.key}#/#left#`)).toBe(0);
    await failed();
  });
});

async function start() {
  const redis = await ownRedis();
  const fleet = startFleet('redis', redis.url);
  return { redis, fleet, node: await startNode(fleet) };
}

async function ownRedis(port?: number): Promise<RedisServer> {
  const redis = await startRedis(inject('redisServer'), port);
  onTestFinished(() => redis.stop());
  return redis;
}
