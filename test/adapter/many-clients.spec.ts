import { setImmediate as turn } from 'node:timers/promises';
import { inject, describe, expect, it, onTestFinished } from 'vitest';
import type { CarrierAdapter } from '../../src/adapter/carrier-adapter.js';
import { startFleet, startNode, untilFence } from '../support/nodes.js';
import { administrator, ownRedis } from '../support/redis-carriers.js';
import { startRedis } from '../support/redis-server.js';

const clients = 20_000;
const perTurn = 200;

describe(`${clients} clients of one worker, each with three rooms`, () => {
  it('cost Redis one SUBSCRIBE a turn, and none for themselves', async () => {
    const { node, redis, enter } = await start();
    const admin = administrator(redis.url);
    const before = await commands(admin);

    for (let client = 0; client < clients; client++) {
      enter(client);
      if (client % perTurn === perTurn - 1) await turn();
    }
    await node.carrier.subscribe(['settled']);

    const after = await commands(admin);
    expect(after.subscribe - before.subscribe).toBeLessThanOrEqual(clients / perTurn + 2);
    expect(after.psubscribe).toBe(before.psubscribe);
    // A channel for each user, a few for what they share, and those of the namespace.
    expect(await channels(admin)).toBeLessThan(clients + 300);
  });

  it('are given up together when they leave', async () => {
    const { node, redis, enter, leave } = await start();
    const admin = administrator(redis.url);
    for (let client = 0; client < clients; client++) enter(client);
    await turn();
    await node.carrier.subscribe(['settled']);
    const before = await commands(admin);

    for (let client = 0; client < clients; client++) leave(client);
    await turn();
    await node.carrier.subscribe(['settled']);

    const after = await commands(admin);
    expect(after.unsubscribe - before.unsubscribe).toBeLessThan(50);
    // Those of the namespace, and the one on which the process hears itself.
    expect(await channels(admin)).toBe(9);
  });

  it('are all heard of again once Redis is back, with few commands', async () => {
    const { node, redis, fleet, enter } = await start();
    const client = await node.connect();
    await client.emitWithAck('join', 'lobby');
    for (let index = 0; index < clients; index++) enter(index);
    await node.carrier.subscribe(['settled']);
    await redis.stop();
    const again = await startRedis(inject('redisServer'), redis.port);
    onTestFinished(() => again.stop());
    await node.carrier.subscribe(['back']);

    const { subscribe, psubscribe } = await commands(administrator(again.url));
    const far = await startNode(fleet);
    const heard = untilFence(client);
    far.server.to(client.id!).emit('said', 'to you');
    far.server.to('lobby').emit('said', 'to the lobby');
    far.server.emit('fence');

    expect(subscribe).toBeLessThan(60);
    expect(psubscribe).toBe(1);
    expect(await heard).toEqual([
      ['said', 'to you'],
      ['said', 'to the lobby'],
    ]);
  });
});

async function start() {
  const redis = await ownRedis();
  const fleet = startFleet('redis', redis.url);
  const node = await startNode(fleet);
  const adapter = node.server.sockets.adapter as CarrierAdapter;
  // As the first middleware names them.
  const idOf = (client: number): string => adapter.tagged(`client ${client}`);
  const enter = (client: number): void => {
    void adapter.addAll(idOf(client), new Set([idOf(client)]));
    void adapter.addAll(idOf(client), new Set(['everyone', `team ${client % 200}`, `user ${client}`]));
  };
  const leave = (client: number): void => adapter.delAll(idOf(client));
  return { redis, fleet, node, enter, leave };
}

type Administrator = ReturnType<typeof administrator>;

async function commands(admin: Administrator): Promise<Record<'subscribe' | 'psubscribe' | 'unsubscribe', number>> {
  const statistics = await admin.info('commandstats');
  const calls = (command: string): number =>
    Number(new RegExp(`cmdstat_${command}:calls=(\\d+)`).exec(statistics)?.[1] ?? 0);
  return { subscribe: calls('subscribe'), psubscribe: calls('psubscribe'), unsubscribe: calls('unsubscribe') };
}

async function channels(admin: Administrator): Promise<number> {
  return ((await admin.pubsub('CHANNELS')) as string[]).length;
}
