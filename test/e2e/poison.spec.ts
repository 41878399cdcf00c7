import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { createRequire } from 'node:module';
import { Emitter } from '@socket.io/redis-emitter';
import type { Redis } from 'ioredis';
import { describe, expect, inject, it, onTestFinished } from 'vitest';
import type { Health } from '../../src/ops/health.controller.js';
import { next, openUntyped } from '../support/clients.js';
import { type Fleet, openRedisClient, startFleet, startNode } from '../support/nodes.js';
import { type Message, mutate } from '../support/poison.js';
import { Random } from '../support/random.js';
import { ownRedis } from '../support/redis-carriers.js';
import { isAlive, startProgram } from '../support/start-program.js';

const { encode } = createRequire(import.meta.url)('notepack.io') as { encode: (value: unknown) => Buffer };

/** SEED repeats a run. */
const seed = Number(process.env['SEED'] ?? Date.now() % 2 ** 31);
const messages = 100_000;
const messagesPerFence = 5_000;
const mostGrowthBytes = 64 * 2 ** 20;

const listOf33Million = Buffer.from('dd01ffffff'.repeat(20), 'hex');
const fatal = [
  ['garbage', '#/#', Buffer.from('garbage')],
  ['a hundred bytes that announce lists of 33 million', '#/#', listOf33Million],
  ['a broadcast to nobody', '#/#', encode(['another', { type: 2, nsp: '/', data: ['said'] }, null])],
  ['an empty request', '-request#/#', encode(null)],
] as const;

describe('the official adapter', () => {
  it.each(fatal)('ends its process with %s', async (_, channel, bytes) => {
    const { redis, key, exited } = await startStock();

    await redis.publish(`${key}${channel}`, bytes);

    const [code, signal] = await exited;
    expect([code, signal]).not.toEqual([0, null]);
  });
});

describe(`a cluster over Redis (SEED=${seed})`, () => {
  it(`serves on through ${messages} messages that no server sends, and grows by little`, async () => {
    const random = new Random(seed);
    const { url } = await ownRedis();
    const fleet = startFleet('redis', url);
    const program = await startProgram({ workers: 1, env: { REDIS_URL: url, REDIS_KEY: fleet.key } });
    const workers = await program.workerPids();
    const [pid] = [...workers.values()];
    const client = openUntyped(program.url);
    // A request that was changed may happen to be one to disconnect it.
    client.on('disconnect', () => client.connect());
    const redis = openRedisClient(url);
    const { captured, far } = await capture(fleet, redis, client);
    const channels = [...new Set([...captured.map(({ channel }) => channel), ...(await heardChannels(redis, fleet))])];

    // Of those, this worker hears them whatever becomes of its client.
    const own = new Set([`${fleet.key}#/#`, `${fleet.key}-request#/#`]);
    let broken = 0;
    let grownFrom = 0;
    for (let sent = 0; sent < messages; sent += messagesPerFence) {
      const fence = new Promise((resolve) => client.once('fence', resolve));
      const batch = redis.pipeline();
      for (let index = 0; index < messagesPerFence; index++) {
        const { channel, bytes, isBroken } = mutate(captured, channels, random);
        if (isBroken && own.has(channel)) broken++;
        batch.publish(channel, bytes);
      }
      await batch.exec();
      far.server.emit('fence');
      await fence;
      // The first ones warm it up.
      if (sent === messagesPerFence * 3) grownFrom = await residentBytes(pid!);
    }

    const growth = (await residentBytes(pid!)) - grownFrom;
    const health = (await (await fetch(`${program.url}/health`)).json()) as Health;
    expect(await client.emitWithAck('whereami')).toMatchObject({ worker: 1 });
    expect(await program.workerPids()).toEqual(workers);
    expect(isAlive(program.process.pid!)).toBe(true);
    expect(health).toMatchObject({ status: 'ok', refused: expect.any(Number) });
    expect(broken).toBeGreaterThan(messages / 20);
    expect(health.refused).toBeGreaterThanOrEqual(broken);
    expect(growth).toBeLessThan(mostGrowthBytes);
    expect(program.output().match(/refused/g)!.length).toBeLessThan(20);
  }, 60_000);
});

describe('a cluster with a signing key', () => {
  it('hears its own workers and nobody else, and tells the key to nobody', async () => {
    const { url } = await ownRedis();
    const { key } = startFleet('redis', url);
    const secret = `secret ${randomUUID()}`;
    const program = await startProgram({ env: { REDIS_URL: url, REDIS_KEY: key, REDIS_SIGNING_KEY: secret } });
    const [speaker, member] = await program.connectToEach();
    await member!.emitWithAck('join', 'lobby');
    const said = next(member!, 'said');
    const beat = next(member!, 'heartbeat');

    const redis = openRedisClient(url);
    new Emitter(redis, { key }).emit('said', { room: 'lobby', text: 'from outside' });
    await redis.ping();
    await speaker!.emitWithAck('say', { room: 'lobby', text: 'from a worker' });

    expect(await said).toMatchObject([{ text: 'from a worker' }]);
    await beat;
    const health = await (await fetch(`${program.url}/health`)).text();
    expect((JSON.parse(health) as Health).refused).toBeGreaterThan(0);
    expect(program.output()).toContain('refused a message without the fleet’s signature');
    expect(program.output() + health).not.toContain(secret);
  });
});

/** What a node and a worker say to each other when a node does all that it can. */
async function capture(fleet: Fleet, redis: Redis, client: ReturnType<typeof openUntyped>) {
  const ear = redis.duplicate();
  onTestFinished(() => ear.disconnect());
  const captured: Message[] = [];
  ear.on('pmessageBuffer', (_, channel: Buffer, bytes: Buffer) => {
    captured.push({ channel: channel.toString(), bytes });
  });
  await ear.psubscribe(`${fleet.key}*`);
  const far = await startNode(fleet);
  await client.emitWithAck('join', 'lobby');
  client.on('question', (_bytes: unknown, answer: (bytes: Buffer) => void) => answer(Buffer.from([1, 2])));
  const { server } = far;

  server.emit('said', 'text', { nested: [1, null, true, 1.5] }, new Date());
  server.emit('said', Buffer.from([0, 1, 255]), { more: [Buffer.alloc(300)] });
  server.to('lobby').emit('said', 'to the lobby');
  server.to(['lobby', 'hall']).except('attic').volatile.emit('said', 'x'.repeat(500));
  server.to(client.id!).emit('said', 'to one');
  server.in('lobby').socketsJoin(['hall', 'attic']);
  server.in('lobby').socketsLeave('attic');
  server.serverSideEmit('reload', { now: true });
  await server.fetchSockets();
  await server.timeout(10_000).emitWithAck('question', Buffer.from([1]));
  return { captured, far };
}

async function heardChannels(redis: Redis, { key }: Fleet): Promise<string[]> {
  return (await redis.pubsub('CHANNELS', `${key}*`)) as string[];
}

async function residentBytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)![1]) * 1_024;
}

async function startStock() {
  const fleet = startFleet('redis');
  const program = spawn(process.execPath, ['--max-old-space-size=256', 'test/fixtures/stock.server.mjs'], {
    env: { ...process.env, REDIS_URL: inject('redisUrl'), REDIS_KEY: fleet.key },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  onTestFinished(() => void program.kill('SIGKILL'));
  const exited = once(program, 'exit') as Promise<[number | null, NodeJS.Signals | null]>;
  await once(createInterface({ input: program.stdout }), 'line');
  return { key: fleet.key, redis: openRedisClient(), exited };
}
