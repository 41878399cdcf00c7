import { randomUUID } from 'node:crypto';
import path from 'node:path';
import { setTimeout as elapsed } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { Said } from '../../src/events.js';
import { type Client, collect, next, openUntyped } from '../support/clients.js';
import { statusOfAll } from '../support/health-of-all.js';
import { statusOf } from '../support/ctl.js';
import { eventually } from '../support/eventually.js';
import { type FaultProxy, startFaultProxy } from '../support/fault-proxy.js';
import { administrator, ownRedis } from '../support/redis-carriers.js';
import type { RedisServer } from '../support/redis-server.js';
import { startProgram } from '../support/start-program.js';
import { temporaryFolder } from '../support/temporary-folder.js';

type Place = { readonly redis: RedisServer; readonly proxy: FaultProxy };

/** Each takes Redis away in its way, and returns what brings it back. */
const ways: Record<string, (place: Place) => Promise<() => Promise<void>>> = {
  'refusing connections': async ({ proxy }) => {
    await proxy.refuse();
    proxy.reset();
    return () => proxy.accept();
  },
  'frozen by SIGSTOP': async ({ redis }) => {
    redis.process.kill('SIGSTOP');
    return async () => void redis.process.kill('SIGCONT');
  },
  'in a black hole': async ({ proxy }) => {
    proxy.set({ kind: 'black hole' });
    return async () => proxy.heal();
  },
  'a replica for a while': async ({ redis }) => {
    const admin = administrator(redis.url);
    await admin.call('REPLICAOF', '127.0.0.1', '1');
    return async () => void (await admin.call('REPLICAOF', 'NO', 'ONE'));
  },
};

describe.each(Object.entries(ways))('a cluster whose Redis is %s for seconds', (_, takeAway) => {
  it('serves on, worker to worker within a second, says so, and is whole again', async () => {
    const place = await startPlace();
    const { cluster, speaker, members, controlSocket } = await startTalk(place);
    const before = await cluster.workerPids();
    const talk = startTalking(speaker);
    await elapsed(500);

    const giveBack = await takeAway(place);
    const takenAt = performance.now();
    expect(await statusOfAll(cluster, 'degraded')).toBe(200);
    expect(performance.now() - takenAt).toBeLessThan(1_500);
    const firstInOutage = talk.said;
    expect((await fetch(`${cluster.url}/health?strict`)).status).toBe(503);
    for (const member of members) await member.client.emitWithAck('join', 'meanwhile');
    const heard = members.map(({ client }) => collect<Said>(client, 'said', (all) => all.at(-1)?.room === 'meanwhile'));
    await speaker.emitWithAck('say', { room: 'meanwhile', text: 'among ourselves' });
    await Promise.all(heard);
    await elapsed(2_500);
    const lastInOutage = talk.said;
    await giveBack();
    expect(await statusOfAll(cluster, 'ok')).toBe(200);

    await elapsed(300);
    await talk.end();
    const count = talk.said;
    await heardTo(members, count - 1);
    for (const { numbers } of members) {
      const inOutage = numbers.filter((number) => number >= firstInOutage && number < lastInOutage);
      expect(inOutage).toHaveLength(lastInOutage - firstInOutage);
    }
    // Whoever shares the speaker's worker never waits for Redis.
    expect(members[0]!.numbers).toEqual(Array.from({ length: count }, (_unused, number) => number));
    expect(await cluster.workerPids()).toEqual(before);
    const { workers } = await statusOf(controlSocket);
    expect(workers.map(({ restarts }) => restarts)).toEqual([0, 0]);
    expect(cluster.output()).toMatch(/worker 1\].*Redis at \S+ is back after \d+ ms; \d+ messages were lost/);
  });
});

describe('a cluster whose Redis is away', () => {
  it.each([
    ['for a moment, by CLIENT KILL', async ({ redis }: Place) => killClients(redis)],
    [
      'for 100 ms, with resets',
      async ({ proxy }: Place) => {
        await proxy.refuse();
        proxy.reset();
        await elapsed(100);
        await proxy.accept();
      },
    ],
    [
      'for 100 ms, frozen',
      async ({ redis }: Place) => {
        redis.process.kill('SIGSTOP');
        await elapsed(100);
        redis.process.kill('SIGCONT');
      },
    ],
    [
      'in the middle of a reply',
      async ({ proxy }: Place) => proxy.set({ kind: 'cut', afterBytes: 100 }, 'to the client'),
    ],
    [
      'as their output buffers are full',
      async ({ redis }: Place) => {
        const admin = administrator(redis.url);
        await admin.config('SET', 'client-output-buffer-limit', 'pubsub 1 1 1 normal 1 1 1');
        await admin.config('SET', 'client-output-buffer-limit', 'pubsub 32mb 8mb 60 normal 0 0 0').catch(() => {});
      },
    ],
  ])('%s, repeats nothing, keeps the order, and is whole again', async (_, disturb) => {
    const place = await startPlace();
    const { cluster, speaker, members } = await startTalk(place);
    const talk = startTalking(speaker);
    await elapsed(300);

    await disturb(place);
    await elapsed(500);
    place.proxy.heal();
    await statusOfAll(cluster, 'ok');
    await elapsed(300);
    await talk.end();

    const count = talk.said;
    await heardTo(members, count - 1);
    expect(members[0]!.numbers).toHaveLength(count);
  });

  it('replaces a worker that dies: the new one is ready within seconds, and hears the others', async () => {
    const place = await startPlace();
    const { cluster, controlSocket, speaker } = await startTalk(place, { RESTART_BUDGET: '1' });
    place.proxy.set({ kind: 'black hole' });
    await statusOfAll(cluster, 'degraded');
    const killed = (await cluster.workerPids()).get(2)!;

    process.kill(killed, 'SIGKILL');
    const since = performance.now();
    await eventually(
      () => statusOf(controlSocket),
      ({ workers }) => workers.some(({ slot, pid, state }) => slot === 2 && pid !== killed && state === 'ready'),
    );

    expect(performance.now() - since).toBeLessThan(8_000);
    const [, member] = await cluster.connectToEach();
    await member!.emitWithAck('join', 'lobby');
    const heard = next(member!, 'said');
    await speaker.emitWithAck('say', { room: 'lobby', text: 'welcome' });
    expect((await heard)[0]).toMatchObject({ text: 'welcome' });
    expect(cluster.output()).toMatch(/worker 2\].*Until then it serves with the workers of its host/);
  });

  it('knows all of its own clients, and ends in good order', async () => {
    const place = await startPlace();
    const cluster = await startProgram({
      workers: 2,
      entry: 'dist/test/fixtures/probe.cluster.js',
      env: { REDIS_URL: place.proxy.url, REDIS_KEY: randomUUID() },
    });
    const clients = (await cluster.connectToEach()).map(({ io }) => openUntyped(`${cluster.url}/probe`, io.opts));
    for (const client of clients) await client.emitWithAck('join', 'hall');
    place.redis.process.kill('SIGSTOP');
    await statusOfAll(cluster, 'degraded');

    const since = performance.now();
    const members = (await clients[0]!.emitWithAck('members', 'hall')) as string[];
    expect(performance.now() - since).toBeLessThan(2_000);
    expect(members.toSorted()).toEqual(clients.map(({ id }) => id!).toSorted());

    cluster.process.kill('SIGTERM');
    const endedAt = performance.now();
    expect(await cluster.exited).toEqual({ code: 0, signal: null });
    expect(performance.now() - endedAt).toBeLessThan(4_000);
  });
});

describe('two clusters', () => {
  it('hear each other in rooms that were joined while Redis was away, and what was said shortly before it came back', async () => {
    const place = await startPlace();
    const env = { REDIS_URL: place.proxy.url, REDIS_KEY: randomUUID() };
    const [here, there] = await Promise.all([1, 2].map(() => startProgram({ workers: 2, env })));
    const speaker = (await here!.connect()).client;
    const listeners = await there!.connectToEach();
    await place.proxy.refuse();
    place.proxy.reset();
    await Promise.all([statusOfAll(here!, 'degraded'), statusOfAll(there!, 'degraded')]);

    const heard = listeners.map((client) => textsHeardBy(client));
    for (const client of listeners) await client.emitWithAck('join', 'meanwhile');
    await speaker.emitWithAck('say', { room: 'meanwhile', text: 'shortly before' });
    await place.proxy.accept();
    await Promise.all([statusOfAll(here!, 'ok'), statusOfAll(there!, 'ok')]);
    await speaker.emitWithAck('say', { room: 'meanwhile', text: 'after' });

    for (const texts of heard) {
      await eventually(
        () => texts.length,
        (count) => count >= 2,
      );
      expect(texts).toEqual(['shortly before', 'after']);
    }
  });
});

async function startPlace(): Promise<Place> {
  const redis = await ownRedis();
  return { redis, proxy: await startFaultProxy(redis) };
}

interface Member {
  readonly client: Client;
  /** What it has heard in the room that is talked in. */
  readonly numbers: number[];
}

/** Two workers, a client on each, both in the room in which a client of the first worker will talk. */
async function startTalk({ proxy }: Place, env: NodeJS.ProcessEnv = {}) {
  const controlSocket = path.join(temporaryFolder(), 'ctl');
  const cluster = await startProgram({
    workers: 2,
    env: { REDIS_URL: proxy.url, REDIS_KEY: randomUUID(), CONTROL_SOCKET: controlSocket, ...env },
  });
  const clients = await cluster.connectToEach();
  const members = clients.map((client): Member => {
    const numbers: number[] = [];
    client.on('said', ({ room, text }) => void (room === 'lobby' && numbers.push(Number(text))));
    return { client, numbers };
  });
  for (const { client } of members) await client.emitWithAck('join', 'lobby');
  return { cluster, controlSocket, speaker: clients[0]!, members };
}

/** Says a number every 10 ms. */
function startTalking(speaker: Client) {
  let said = 0;
  const acks: Promise<unknown>[] = [];
  const timer = setInterval(() => {
    acks.push(speaker.emitWithAck('say', { room: 'lobby', text: `${said++}` }));
  }, 10);
  return {
    get said() {
      return said;
    },
    /** Resolves once all that was said has been acknowledged. */
    end: async () => {
      clearInterval(timer);
      await Promise.all(acks);
    },
  };
}

/** Resolves once each member has heard all up to the last, and has seen that none came twice or out of order. */
async function heardTo(members: readonly Member[], last: number): Promise<void> {
  for (const { numbers } of members) {
    await eventually(
      () => numbers.at(-1),
      (number) => number === last,
    );
    expect(numbers).toEqual([...new Set(numbers)].toSorted((a, b) => a - b));
  }
}

function textsHeardBy(client: Client): string[] {
  const texts: string[] = [];
  client.on('said', ({ text }) => void texts.push(text));
  return texts;
}

async function killClients(redis: RedisServer): Promise<void> {
  const admin = administrator(redis.url);
  for (const type of ['normal', 'pubsub']) await admin.call('CLIENT', 'KILL', 'TYPE', type, 'SKIPME', 'yes');
}
