import { setTimeout as elapsed } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { FallbackCarrier, type RemoteCarrier } from '../../src/carrier/fallback.carrier.js';
import type { RedisOutageOptions } from '../../src/carrier/redis.carrier.js';
import { type TestProcess, testHost } from '../support/fallback-carriers.js';
import { type FaultProxy, startFaultProxy } from '../support/fault-proxy.js';
import { freePort } from '../support/free-port.js';
import { inboxOf } from '../support/inbox.js';
import { administrator, ownRedis } from '../support/redis-carriers.js';
import type { RedisServer } from '../support/redis-server.js';
import { RecordingCarrier } from '../support/recording-carrier.js';
import { watchForUnhandled } from '../support/rejections.js';
import { describeCarrier } from './carrier.contract.js';

describeCarrier('fall-back (Redis is there)', async (count) => {
  const { url } = await ownRedis();
  const host = testHost();
  const processes = await Promise.all(Array.from({ length: count }, () => host.open(url)));
  return processes.map(({ carrier }) => carrier);
});

describeCarrier('fall-back (on several hosts)', async (count) => {
  const { url } = await ownRedis();
  const processes = await Promise.all(Array.from({ length: count }, () => testHost().open(url)));
  return processes.map(({ carrier }) => carrier);
});

describe('a fall-back carrier', () => {
  it('keeps the order where Redis goes away again while the local way is waited for', async () => {
    const { carrier, said, comeBack, fences } = ownParts();

    const first = comeBack(() => {});
    carrier.publish('room', Buffer.from('1'));
    const second = comeBack();
    carrier.publish('room', Buffer.from('2'));
    fences[0]!();
    await first;
    carrier.publish('room', Buffer.from('3'));
    fences[1]!();
    await second;
    carrier.publish('room', Buffer.from('4'));

    expect(said).toEqual(['1', '2', '3', '4']);
  });
});

/** A fall-back carrier whose Redis comes back, and whose hub answers, when they are told to. */
function ownParts() {
  const said: string[] = [];
  const fences: (() => void)[] = [];
  let state: 'away' | 'connected' = 'away';
  let onReturn: ((commit: () => void) => Promise<void>) | undefined;
  class Remote extends RecordingCarrier implements RemoteCarrier {
    override get health() {
      return { state, lost: 0 };
    }
    override publish(channel: string, message: Buffer): void {
      if (channel === 'room') said.push(message.toString());
    }
    onAway(): void {}
    onReturn(listener: (commit: () => void) => Promise<void>): void {
      onReturn = listener;
    }
  }
  class Local extends RecordingCarrier {
    override publish(_channel: string, message: Buffer): void {
      said.push(message.toString());
    }
    override subscribers(): Promise<number> {
      return new Promise((resolve) => fences.push(() => resolve(0)));
    }
  }
  const carrier = new FallbackCarrier(new Remote(), new Local(), { host: 'host', key: 'key' });
  const comeBack = (commit = (): void => void (state = 'connected')): Promise<void> => onReturn!(commit);
  return { carrier, said, comeBack, fences };
}

/** Each ends Redis in its way, and returns what brings it back. */
const deaths: Record<string, (redis: RedisServer, proxy: FaultProxy) => Promise<() => Promise<void>>> = {
  'refuses connections': async (_, proxy) => {
    await proxy.refuse();
    proxy.reset();
    return () => proxy.accept();
  },
  'is frozen': async (redis) => {
    redis.process.kill('SIGSTOP');
    return async () => void redis.process.kill('SIGCONT');
  },
  'is in a black hole': async (_, proxy) => {
    proxy.set({ kind: 'black hole' });
    return async () => proxy.heal();
  },
  'hears nothing': async (_, proxy) => {
    proxy.set({ kind: 'black hole' }, 'to the server');
    return async () => proxy.heal();
  },
  'is not heard': async (_, proxy) => {
    proxy.set({ kind: 'black hole' }, 'to the client');
    return async () => proxy.heal();
  },
  'became a replica': async (redis) => {
    const admin = administrator(redis.url);
    await admin.call('REPLICAOF', '127.0.0.1', `${await freePort()}`);
    return async () => void (await admin.call('REPLICAOF', 'NO', 'ONE'));
  },
};

describe.each(Object.entries(deaths))('the fall-back carrier whose Redis %s', (_, die) => {
  it('joins the processes of its host within a second, and hands back, in order and nothing twice', async () => {
    const failed = watchForUnhandled();
    const { redis, proxy, here, sibling, far } = await start();
    const said = talk(here);

    await elapsed(300);
    const revive = await die(redis, proxy);
    const diedAt = performance.now();
    await away(here);
    expect(performance.now() - diedAt).toBeLessThan(1_000);
    await away(sibling);
    const [first] = said.since();
    await sibling.inbox.until(() => sibling.inbox.on('news').includes(`${first}`));
    expect(performance.now() - diedAt).toBeLessThan(1_500);
    await sibling.carrier.subscribe(['meanwhile']);
    here.carrier.publish('meanwhile', Buffer.from('among ourselves'));
    await sibling.inbox.fence('meanwhile');
    expect(await here.carrier.subscribers('meanwhile')).toBe(1);
    await revive();
    await Promise.all([here, sibling, far].map(connected));
    const [back] = said.since();
    await elapsed(300);
    said.end();
    here.carrier.publish('meanwhile', Buffer.from('through Redis'));
    here.carrier.publish('fence', Buffer.alloc(0));

    await Promise.all([sibling, far].map(({ inbox }) => inbox.fence('fence')));
    expect(sibling.inbox.on('meanwhile')).toEqual(['among ourselves', 'through Redis']);
    for (const { inbox } of [sibling, far]) {
      const heard = inbox.on('news').map(Number);
      expect(heard).toEqual([...new Set(heard)].toSorted((a, b) => a - b));
      expect(heard).toEqual(expect.arrayContaining(range(back!, said.count)));
    }
    // What was said by the local way has reached the sibling whole.
    expect(sibling.inbox.on('news').map(Number)).toEqual(expect.arrayContaining(range(first!, said.count)));
    await failed();
  });
});

describe('the fall-back carrier', () => {
  it('tells the other hosts what they have missed in a short outage, and its own nothing twice', async () => {
    const { proxy, here, sibling, far } = await start();
    await proxy.refuse();
    proxy.reset();
    await Promise.all([here, sibling, far].map(away));

    for (let sequence = 0; sequence < 100; sequence++) here.carrier.publish('news', Buffer.from(`${sequence}`));
    here.carrier.publish('elsewhere', Buffer.from('nobody asked'));
    await proxy.accept();
    await Promise.all([here, sibling, far].map(connected));
    here.carrier.publish('fence', Buffer.alloc(0));

    await Promise.all([sibling, far].map(({ inbox }) => inbox.fence('fence')));
    for (const { inbox } of [sibling, far]) {
      expect(inbox.channels.filter((channel) => channel !== 'news')).toEqual(['fence']);
      expect(inbox.on('news').map(Number)).toEqual(range(0, 100));
    }
    expect(here.carrier.health).toEqual({ state: 'connected', lost: 0 });
  });

  it('tells them nothing that is older than it may be, and counts it', async () => {
    const { proxy, here, sibling, far } = await start({ queueAgeMs: 300 });
    await proxy.refuse();
    proxy.reset();
    await away(here);
    for (let sequence = 0; sequence < 10; sequence++) here.carrier.publish('news', Buffer.from(`old ${sequence}`));
    await expect.poll(() => here.carrier.health.lost).toBe(10);

    await proxy.accept();
    await Promise.all([here, sibling, far].map(connected));
    here.carrier.publish('fence', Buffer.alloc(0));

    await far.inbox.fence('fence');
    expect(far.inbox.channels).toEqual(['fence']);
    expect(sibling.inbox.on('news')).toHaveLength(10);
  });

  it.each([0, 30])('keeps the order through many outages, where its own way takes %d ms twice', async (lagMs) => {
    const { proxy, here, sibling } = await start({}, lagMs);
    const said = talk(here);

    for (let round = 0; round < 5; round++) {
      proxy.reset();
      await Promise.all([here, sibling].map(away));
      await Promise.all([here, sibling].map(connected));
      await elapsed(100);
    }
    said.end();
    here.carrier.publish('fence', Buffer.alloc(0));

    await sibling.inbox.fence('fence');
    const heard = sibling.inbox.on('news').map(Number);
    expect(here.saidHere()).toBeGreaterThan(5);
    expect(heard).toEqual([...new Set(heard)].toSorted((a, b) => a - b));
  });

  it('has nobody hear what a frozen Redis was told before after what was said later', async () => {
    const { redis, here, sibling } = await start();
    redis.process.kill('SIGSTOP');
    for (let sequence = 0; sequence < 20_000; sequence++) {
      here.carrier.publish('news', Buffer.from(`${sequence}`.padEnd(200)));
    }
    await Promise.all([here, sibling].map(away));
    for (let sequence = 20_000; sequence < 20_100; sequence++) here.carrier.publish('news', Buffer.from(`${sequence}`));
    await sibling.inbox.until(() => sibling.inbox.messages.length >= 100);

    redis.process.kill('SIGCONT');
    await Promise.all([here, sibling].map(connected));
    here.carrier.publish('fence', Buffer.alloc(0));

    await sibling.inbox.fence('fence');
    const heard = sibling.inbox.on('news').map(Number);
    expect(heard).toEqual([...new Set(heard)].toSorted((a, b) => a - b));
    expect(heard.slice(-100)).toEqual(range(20_000, 20_100));
  });

  it('keeps what is said once Redis is late, and loses none of it where that turns out to be dead', async () => {
    const { redis, here, sibling } = await start({ probeIntervalMs: 50, probeTimeoutMs: 1_500 });
    redis.process.kill('SIGSTOP');
    await elapsed(300);

    for (let sequence = 0; sequence < 10; sequence++) here.carrier.publish('news', Buffer.from(`${sequence}`));

    expect(here.carrier.health.state).toBe('connected');
    await sibling.inbox.until(() => sibling.inbox.messages.length === 10);
    expect(here.carrier.health.state).toBe('degraded');
    expect(sibling.inbox.on('news').map(Number)).toEqual(range(0, 10));
  });

  it('says it once, and by Redis, where that was late and answers after all', async () => {
    const { redis, here, sibling, far } = await start({ probeIntervalMs: 50, probeTimeoutMs: 10_000 });
    redis.process.kill('SIGSTOP');
    await elapsed(300);
    for (let sequence = 0; sequence < 10; sequence++) here.carrier.publish('news', Buffer.from(`${sequence}`));
    redis.process.kill('SIGCONT');
    here.carrier.publish('fence', Buffer.alloc(0));

    await Promise.all([sibling, far].map(({ inbox }) => inbox.fence('fence')));
    for (const { inbox } of [sibling, far]) expect(inbox.on('news').map(Number)).toEqual(range(0, 10));
    expect(here.saidHere()).toBe(0);
  });

  it('uses one way at a time', async () => {
    const { here, sibling, proxy } = await start();
    here.carrier.publish('news', Buffer.from('by Redis'));
    await sibling.inbox.until(() => sibling.inbox.messages.length === 1);
    expect(here.saidHere()).toBe(0);
    proxy.set({ kind: 'black hole' });
    await away(here);

    here.carrier.publish('news', Buffer.from('by ourselves'));

    expect(here.saidHere()).toBe(1);
    await sibling.inbox.until(() => sibling.inbox.messages.length === 2);
  });

  it('serves its host while it has never seen Redis, and joins the others once it does', async () => {
    const port = await freePort();
    const host = testHost();
    const [here, sibling] = [
      await host.open(`redis://127.0.0.1:${port}`),
      await host.open(`redis://127.0.0.1:${port}`),
    ];
    const inbox = inboxOf(sibling.carrier);
    expect(here.carrier.health.state).toBe('degraded');

    await sibling.carrier.subscribe(['news']);
    here.carrier.publish('news', Buffer.from('among ourselves'));
    await inbox.fence('news');
    const redis = await ownRedis(port);
    const far = await testHost().open(redis.url);
    await Promise.all([here, sibling].map(connected));
    far.carrier.publish('news', Buffer.from('from afar'));

    await inbox.until(() => inbox.messages.length === 2);
    expect(inbox.on('news')).toEqual(['among ourselves', 'from afar']);
  });

  it.each(['frozen', 'down'])('closes quickly while Redis is %s', async (state) => {
    const failed = watchForUnhandled();
    const { redis, here } = await start();
    if (state === 'down') await redis.stop();
    else redis.process.kill('SIGSTOP');
    const waiting = here.carrier.subscribe(['other']);

    const since = performance.now();
    await here.carrier.close();

    expect(performance.now() - since).toBeLessThan(1_500);
    await waiting;
    await failed();
  });

  it('takes an envelope that is none for nothing', async () => {
    const { redis, here } = await start();
    const admin = administrator(redis.url);
    const inbox = inboxOf(here.carrier);
    await here.carrier.subscribe(['news']);

    for (const bytes of ['', 'x', '\xff\xff\xff\xff', '\0\x01\0\x04hnews']) {
      await admin.publish('test-held#', Buffer.from(bytes, 'latin1'));
    }
    await admin.publish('news', 'fence');

    await inbox.until(() => inbox.messages.length === 2);
    expect(inbox.on('news')).toEqual(['', 'fence']);
  });
});

interface Voice extends TestProcess {
  readonly inbox: ReturnType<typeof inboxOf>;
}

/** Two processes of a host and one of another, all of which reach Redis through one proxy. */
async function start(options: RedisOutageOptions = {}, lagMs = 0) {
  const redis = await ownRedis();
  const proxy = await startFaultProxy(redis);
  const [host, farHost] = [testHost(lagMs), testHost(lagMs)];
  const voices = await Promise.all(
    [host, host, farHost].map(async (home): Promise<Voice> => {
      const process = await home.open(proxy.url, options);
      return { ...process, inbox: inboxOf(process.carrier) };
    }),
  );
  const [here, sibling, far] = voices as [Voice, Voice, Voice];
  for (const { carrier } of [sibling, far]) await carrier.subscribe(['news', 'fence']);
  return { redis, proxy, here, sibling, far };
}

/** Says a number every few milliseconds. */
function talk({ carrier }: TestProcess) {
  let count = 0;
  const timer = setInterval(() => carrier.publish('news', Buffer.from(`${count++}`)), 5);
  return {
    get count() {
      return count;
    },
    /** The number that is said next. */
    since: () => [count],
    end: () => clearInterval(timer),
  };
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, index) => from + index);
}

async function away({ carrier }: TestProcess): Promise<void> {
  await expect.poll(() => carrier.health.state, { interval: 5, timeout: 10_000 }).toBe('degraded');
}

async function connected({ carrier }: TestProcess): Promise<void> {
  await expect.poll(() => carrier.health.state, { interval: 5, timeout: 20_000 }).toBe('connected');
}
