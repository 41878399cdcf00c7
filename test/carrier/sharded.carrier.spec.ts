import { afterAll, beforeAll, describe, expect, inject, it, onTestFinished } from 'vitest';
import { hashSlot } from '../../src/carrier/hash-slot.js';
import { ShardedCarrier } from '../../src/carrier/sharded.carrier.js';
import { RedisUnreachableError } from '../../src/errors.js';
import { eventually } from '../support/eventually.js';
import { freePort } from '../support/free-port.js';
import { type Inbox, inboxOf } from '../support/inbox.js';
import { ownRedis } from '../support/redis-carriers.js';
import { type RedisCluster, startCluster } from '../support/redis-cluster.js';
import { watchForUnhandled } from '../support/rejections.js';
import { describeCarrier } from './carrier.contract.js';

let cluster: RedisCluster;

beforeAll(async () => {
  cluster = await startCluster(inject('redisServer'));
});

afterAll(() => cluster.stop());

describeCarrier('sharded', (count) => Promise.all(Array.from({ length: count }, () => open())), {
  hearsPrefixes: false,
});

describe('the sharded carrier', () => {
  it('spreads channels over all shards, each message through one of them', async () => {
    const [reader, writer] = await openTwo();
    const inbox = inboxOf(reader);
    const channels = await channelsOnEach('spread');
    await reader.subscribe(channels);
    const before = await sent();

    for (const channel of channels) writer.publish(channel, Buffer.from('x'));

    await inbox.until(() => inbox.channels.length === channels.length);
    const after = await sent();
    expect(after.map((count, index) => count - before[index]!)).toEqual([1, 1, 1]);
  });

  it('needs to be told of one node alone', async () => {
    const reader = await open(`redis://127.0.0.1:${cluster.ports[4]}`);
    const inbox = inboxOf(reader);
    const channels = await channelsOnEach('one seed');

    await reader.subscribe(channels);
    for (const channel of channels) reader.publish(channel, Buffer.from('x'));

    await inbox.until(() => inbox.channels.length === channels.length);
    expect(inbox.channels.toSorted()).toEqual(channels.toSorted());
  });

  it('carries what follows a request to the whole namespace behind it', async () => {
    const [reader, writer] = await openTwo();
    const inbox = inboxOf(reader);
    // By their names as they are, two shards would carry them.
    const [request, namespace] = await namesOfTwoShards();
    await reader.subscribe([request, namespace]);

    for (let round = 0; round < 500; round++) {
      writer.publish(request, Buffer.from(`${round}`));
      writer.publish(namespace, Buffer.from(`${round}`));
    }

    await inbox.until(() => inbox.channels.length === 1_000);
    expect(inbox.messages.map(String)).toEqual(Array.from({ length: 1_000 }, (_, index) => `${index >> 1}`));
  });

  it('says which nodes it cannot reach, and no password', async () => {
    const failed = watchForUnhandled();
    const port = await freePort();
    const carrier = new ShardedCarrier({ url: `redis://alice:s3cret@127.0.0.1:${port},127.0.0.1:${port}` });
    onTestFinished(() => carrier.close());

    const error = await carrier.connect(200).catch((reason: Error) => reason);

    expect(error).toBeInstanceOf(RedisUnreachableError);
    expect((error as Error).message).toMatch(new RegExp(`^Redis at 127.0.0.1:${port}, 127.0.0.1:${port} could`));
    expect(`${(error as Error).message}${String((error as Error).cause)}`).not.toMatch(/s3cret|alice/);
    await failed();
  });

  it('says so where Redis is no cluster', async () => {
    const carrier = new ShardedCarrier({ url: (await ownRedis()).url });
    onTestFinished(() => carrier.close());

    await expect(carrier.connect(500)).rejects.toThrow('cluster support disabled');
  });
});

describe('a slot that migrates', () => {
  it('takes its subscriptions along, of every process, and loses nothing once they are complete', async () => {
    const [reader, other] = await openTwo();
    const writer = await open();
    const inboxes = [inboxOf(reader), inboxOf(other)];
    const channel = 'migrating';
    const [from, to] = await ownerAndOther(channel);
    await Promise.all([reader.subscribe([channel]), other.subscribe([channel])]);

    const since = performance.now();
    await cluster.migrate(hashSlot(channel), from, to);

    await eventually(
      () => cluster.ask(to).call('PUBSUB', 'SHARDNUMSUB', channel) as Promise<[string, number]>,
      ([, count]) => count === 2,
    );
    // They do not wait until they look by themselves.
    expect(performance.now() - since).toBeLessThan(1_000);
    await flowing(writer, channel, inboxes);
    const heard = inboxes.map((inbox) => inbox.on(channel).length);
    for (let sequence = 0; sequence < 100; sequence++) writer.publish(channel, Buffer.from(`after ${sequence}`));
    await Promise.all(
      inboxes.map((inbox, index) => inbox.until(() => inbox.on(channel).length >= heard[index]! + 100)),
    );
    const all = Array.from({ length: 100 }, (_, sequence) => `after ${sequence}`);
    expect(inboxes.map((inbox) => inbox.on(channel).filter((text) => text.startsWith('after')))).toEqual([all, all]);
    // Each of them may just be looking who serves what now.
    await eventually(
      () => [reader, other, writer].map(({ health }) => health.state),
      (states) => states.every((state) => state === 'connected'),
    );
  });

  it('counts what was published at the node that has given it away', async () => {
    const writer = await open();
    const channel = 'given away';
    const [from, to] = await ownerAndOther(channel);
    await cluster.migrate(hashSlot(channel), from, to);

    for (let sequence = 0; sequence < 50; sequence++) writer.publish(channel, Buffer.from('x'));
    await eventually(
      () => writer.health,
      ({ state, lost }) => state === 'connected' && lost > 0,
    );

    // All of them left in one turn, before the first answer said where the slot is.
    expect(writer.health.lost).toBe(50);
  });

  it('brings no message twice and none out of order, however often it goes to and fro', async () => {
    const failed = watchForUnhandled();
    const [reader, writer] = await openTwo();
    const inbox = inboxOf(reader);
    const channel = 'to and fro';
    await reader.subscribe([channel]);
    let sequence = 0;
    const say = setInterval(() => writer.publish(channel, Buffer.from(`${sequence++}`)), 1);
    onTestFinished(() => clearInterval(say));

    for (let round = 0; round < 10; round++) {
      const [from, to] = await ownerAndOther(channel);
      await cluster.migrate(hashSlot(channel), from, to);
      await flowing(writer, channel, [inbox]);
    }
    clearInterval(say);

    const heard = inbox
      .on(channel)
      .filter((text) => /^\d+$/.test(text))
      .map(Number);
    expect(heard).toEqual([...new Set(heard)].toSorted((a, b) => a - b));
    await failed();
  });
});

describe('a primary that is killed', () => {
  it('is followed by its replica, with every subscription, also those made meanwhile and by processes that start then', async () => {
    const failed = watchForUnhandled();
    const [reader, writer] = await openTwo();
    const inbox = inboxOf(reader);
    const channels = Array.from({ length: 600 }, (_, index) => `failing over ${index}`);
    await reader.subscribe([...channels, 'left']);
    const killed = await cluster.ownerOf(hashSlot('failing over 0'));
    const replica = await cluster.replicaOf(killed);

    await cluster.server(killed).stop();
    await eventually(
      () => reader.health.state,
      (state) => state === 'away',
    );
    const meanwhile = Array.from({ length: 60 }, (_, index) => `meanwhile ${index}`);
    const live = reader.subscribe(meanwhile);
    reader.unsubscribe(['left']);
    const newcomer = await open();
    await Promise.all([live, reader.connect(20_000), writer.connect(20_000)]);

    expect(await cluster.ownerOf(hashSlot('failing over 0'))).toBe(replica);
    for (const channel of [...channels, ...meanwhile, 'left']) newcomer.publish(channel, Buffer.from('x'));
    await inbox.until(() => inbox.channels.length === 660);
    expect(inbox.channels.toSorted()).toEqual([...channels, ...meanwhile].toSorted());
    await restartAsReplica(killed);
    await failed();
  });

  it('has what is published meanwhile counted, and the others carry on', async () => {
    const [reader, writer] = await openTwo();
    const inbox = inboxOf(reader);
    const channels = await channelsOnEach('through the failover');
    await reader.subscribe(channels);
    const killed = await cluster.ownerOf(hashSlot(channels[0]!));
    await cluster.server(killed).stop();
    await eventually(
      () => writer.health.state,
      (state) => state === 'away',
    );

    const before = writer.health.lost;
    for (let sequence = 0; sequence < 10; sequence++) {
      for (const channel of channels) writer.publish(channel, Buffer.from('meanwhile'));
    }

    await inbox.until(() => channels.slice(1).every((channel) => inbox.on(channel).length === 10));
    await eventually(
      () => writer.health.lost - before,
      (lost) => lost === 10,
    );
    await Promise.all([reader.connect(20_000), writer.connect(20_000)]);
    expect(inbox.on(channels[0]!)).toEqual([]);
    await restartAsReplica(killed);
  });
});

describe('a primary that freezes', () => {
  it('is left for its replica, though its connections stay open', async () => {
    const [reader, writer] = await openTwo();
    const inbox = inboxOf(reader);
    const channel = 'frozen';
    await reader.subscribe([channel]);
    const frozen = await cluster.ownerOf(hashSlot(channel));
    const replica = await cluster.replicaOf(frozen);
    const { process } = cluster.server(frozen);
    onTestFinished(() => void process.kill('SIGCONT'));

    process.kill('SIGSTOP');

    await flowing(writer, channel, [inbox]);
    // Before the old one runs again, which would give up its slots itself.
    expect(await cluster.ask(replica).call('PUBSUB', 'SHARDNUMSUB', channel)).toEqual([channel, 1]);
    process.kill('SIGCONT');
    await restored(frozen);
  });
});

describe('a primary that hands over to its replica', () => {
  it('keeps no subscription', async () => {
    const [reader, writer] = await openTwo();
    const inbox = inboxOf(reader);
    const channel = 'handed over';
    await reader.subscribe([channel]);
    const before = await cluster.ownerOf(hashSlot(channel));
    const replica = await cluster.replicaOf(before);

    await cluster.ask(replica).call('CLUSTER', 'FAILOVER');

    await eventually(
      () => Promise.all([before, replica].map((port) => cluster.ask(port).call('PUBSUB', 'SHARDNUMSUB', channel))),
      ([old, current]) => (old as [string, number])[1] === 0 && (current as [string, number])[1] === 1,
    );
    await flowing(writer, channel, [inbox]);
    expect(await cluster.ownerOf(hashSlot(channel))).toBe(replica);
  });
});

async function open(url = cluster.url): Promise<ShardedCarrier> {
  const carrier = new ShardedCarrier({ url });
  onTestFinished(() => carrier.close());
  await carrier.connect(20_000);
  return carrier;
}

function openTwo(): Promise<readonly [ShardedCarrier, ShardedCarrier]> {
  return Promise.all([open(), open()]);
}

/** Publishes until everybody has heard something that was published after the call. */
async function flowing(writer: ShardedCarrier, channel: string, inboxes: readonly Inbox[]): Promise<void> {
  const before = inboxes.map((inbox) => inbox.on(channel).length);
  const mark = `flowing ${performance.now()}`;
  await eventually(
    () => {
      writer.publish(channel, Buffer.from(mark));
      return inboxes.map((inbox, index) => inbox.on(channel).slice(before[index]).includes(mark));
    },
    (flows) => flows.every(Boolean),
  );
}

/** The channels of a namespace's requests and of its messages, whose names hash to different primaries. */
async function namesOfTwoShards(): Promise<readonly [string, string]> {
  for (let index = 0; ; index++) {
    const names = [`key-request#/${index}#`, `key#/${index}#`] as const;
    const [first, second] = await Promise.all(names.map((name) => cluster.ownerOf(hashSlot(name))));
    if (first !== second) return names;
  }
}

/** The primary that serves a channel, and another. */
async function ownerAndOther(channel: string): Promise<readonly [owner: number, other: number]> {
  const owner = await cluster.ownerOf(hashSlot(channel));
  const primaries = await primariesNow();
  return [owner, primaries.find((port) => port !== owner)!];
}

function primariesNow(): Promise<number[]> {
  return Promise.all([0, 8_000, 16_383].map((slot) => cluster.ownerOf(slot)));
}

/** One channel for each of the three primaries. */
async function channelsOnEach(name: string): Promise<string[]> {
  const primaries = await primariesNow();
  const found = new Map<number, string>();
  for (let index = 0; found.size < 3; index++) {
    const channel = `${name} ${index}`;
    const owner = await cluster.ownerOf(hashSlot(channel));
    if (primaries.includes(owner) && !found.has(owner)) found.set(owner, channel);
  }
  return primaries.map((port) => found.get(port)!);
}

/** How many messages each primary has taken so far. */
function sent(): Promise<number[]> {
  return primariesNow().then((ports) =>
    Promise.all(
      ports.map(async (port) => {
        const stats = await cluster.ask(port).info('commandstats');
        return Number(/cmdstat_spublish:calls=(\d+)/.exec(stats)?.[1] ?? 0);
      }),
    ),
  );
}

async function restartAsReplica(port: number): Promise<void> {
  await cluster.restart(port);
  await restored(port);
}

/** Until the node is a replica that the others count on. */
async function restored(port: number): Promise<void> {
  await eventually(async () => {
    const replication = await cluster.ask(port).info('replication');
    return replication.includes('role:slave') && replication.includes('master_link_status:up');
  }, Boolean);
  const primaries = await primariesNow();
  await eventually(
    () => Promise.all(primaries.map((primary) => cluster.replicaOf(primary).catch(() => undefined))),
    (replicas) => replicas.every((replica) => replica !== undefined),
  );
}
