import { fork } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { setImmediate as turn } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import type { RedisOutageOptions } from '../../src/carrier/redis.carrier.js';
import { inboxOf } from '../support/inbox.js';
import { Random } from '../support/random.js';
import { administrator, closing, connected, handedOver, idOf, ownRedis, watched } from '../support/redis-carriers.js';
import { watchForUnhandled } from '../support/rejections.js';

const seed = randomInt(2 ** 31);
/** For what must not see the probes of the carriers among its own messages. */
const unprobed = { probeIntervalMs: 60_000 };
const mebibyte = 1_048_576;

describe('what is published to Redis', () => {
  it('in a loop of 10,000 leaves with few writes, as ordinary PUBLISHes', async () => {
    const { writer, clients, admin, inbox } = await start(unprobed);
    await admin.config('RESETSTAT');
    const writes = vi.spyOn(clients.publisher.stream, 'write');

    for (let sequence = 0; sequence < 10_000; sequence++) writer.publish('news', Buffer.from(`${sequence}`));

    await inbox.until(() => inbox.messages.length === 10_000);
    expect(inbox.on('news')).toEqual(Array.from({ length: 10_000 }, (_, sequence) => `${sequence}`));
    expect(writes.mock.calls.length).toBeLessThan(20);
    expect(await admin.info('commandstats')).toMatch(/cmdstat_publish:calls=10000,/);
  });

  it('alone leaves in the same turn of the event loop', async () => {
    const { writer, clients } = await start(unprobed);
    const writes = vi.spyOn(clients.publisher.stream, 'write');
    const timers = vi.spyOn(globalThis, 'setTimeout');

    writer.publish('news', Buffer.from('x'));
    await turn();

    expect(writes).toHaveBeenCalledOnce();
    expect(timers).not.toHaveBeenCalled();
  });

  it('is what it was when it was published, whatever becomes of its buffer', async () => {
    const { writer, inbox } = await start();
    const message = Buffer.from('before');

    writer.publish('news', message);
    message.write('after!');

    await inbox.fence('news');
    expect(inbox.on('news')).toEqual(['before']);
  });

  it(`keeps the order over channels, sizes, questions and turns (seed ${seed})`, async () => {
    const { writer, reader, inbox } = await start();
    const random = new Random(seed);
    const channels = ['news', 'räum 7', 'x'.repeat(70_000)];
    await reader.subscribe(channels);
    const sent: string[] = [];
    const questions: Promise<number>[] = [];

    for (let step = 0; step < 2_000; step++) {
      const size = random.pick([0, 10, 1_000, 65_400, 65_536, 200_000]);
      const channel = random.pick(random.below(50) === 0 ? channels : channels.slice(0, 2));
      sent.push(`${channel.slice(0, 6)} ${step}`);
      writer.publish(channel, Buffer.from(`${step} `.padEnd(random.below(50) === 0 ? size : 10, '.')));
      if (random.below(20) === 0) questions.push(writer.subscribers('news'));
      if (random.below(20) === 0) await turn();
    }

    await inbox.until(() => inbox.messages.length === sent.length);
    const heard = inbox.messages.map(
      (message, index) => `${inbox.channels[index]!.slice(0, 6)} ${Number.parseInt(message.toString(), 10)}`,
    );
    expect(heard).toEqual(sent);
    expect(new Set(await Promise.all(questions))).toEqual(new Set([1]));
    expect(writer.health.lost).toBe(0);
  });

  it('arrives when the process exits in the same turn', async () => {
    const { url, inbox } = await start();

    fork('dist/test/fixtures/publish-and-exit.js', [url]);

    await inbox.until(() => inbox.messages.length === 2);
    expect(inbox.on('news')).toEqual(['good', 'bye']);
  });

  it('has reached Redis before what is asked after it, and before the connection ends', async () => {
    const { writer, admin } = await start(unprobed);
    const own = await connected({ url: `redis://${writer.address}`, ...unprobed });
    const monitor = await admin.monitor();
    onTestFinished(() => monitor.disconnect());
    const seen: string[] = [];
    const quits = new Promise<void>((resolve) => {
      monitor.on('monitor', (_time: string, [command]: [string]) => {
        if (/publish|pubsub|quit/i.test(command)) seen.push(command.toLowerCase());
        if (/quit/i.test(command)) resolve();
      });
    });

    own.publish('news', Buffer.from('x'));
    const answer = own.subscribers('anything');
    own.publish('news', Buffer.from('y'));
    const closed = own.close();

    await Promise.all([answer, closed, quits]);
    expect(seen.slice(0, 4)).toEqual(['publish', 'pubsub', 'publish', 'quit']);
  });

  it.each([0, 100])('is bounded at %d bytes a message within one turn, while Redis is silent', async (size) => {
    const { writer, redis } = await start(unprobed);
    redis.process.kill('SIGSTOP');
    const before = process.memoryUsage();

    for (let sequence = 0; sequence < 1_000_000; sequence++) writer.publish('news', Buffer.alloc(size));

    const { rss } = process.memoryUsage();
    expect(writer.health.lost).toBeGreaterThan(500_000);
    expect(rss - before.rss).toBeLessThan(200 * mebibyte);
    const { lost } = writer.health;
    for (let turns = 0; turns < 100; turns++) {
      for (let index = 0; index < 1_000; index++) writer.publish('news', Buffer.alloc(size));
      await turn();
    }
    expect(writer.health.lost).toBe(lost + 100_000);
    expect(process.memoryUsage().rss - rss).toBeLessThan(100 * mebibyte);
  });

  it('has room again once Redis has answered', async () => {
    const { writer, redis, inbox } = await start(unprobed);
    redis.process.kill('SIGSTOP');
    for (let sequence = 0; sequence < 200_000; sequence++) writer.publish('news', Buffer.alloc(100));
    const { lost } = writer.health;
    expect(lost).toBeGreaterThan(0);

    redis.process.kill('SIGCONT');
    await inbox.until(() => inbox.messages.length === 200_000 - lost);
    await writer.subscribers('anything');
    for (let sequence = 0; sequence < 50_000; sequence++) writer.publish('news', Buffer.alloc(100));

    await inbox.until(() => inbox.messages.length === 250_000 - lost);
    expect(writer.health.lost).toBe(lost);
  });

  it('is counted as lost message by message where Redis refuses it', async () => {
    const failed = watchForUnhandled();
    const { url, admin, inbox } = await start();
    await admin.call('ACL', 'SETUSER', 'clerk', 'on', '>secret', '~*', '+@all', 'resetchannels', '&news*');
    const clerk = await connected({ url: url.replace('://', '://clerk:secret@'), key: 'news' });

    for (let sequence = 0; sequence < 10; sequence++) {
      for (const channel of ['forbidden', 'news']) clerk.publish(channel, Buffer.from(`${sequence}`));
    }
    await clerk.subscribers('anything');

    expect(clerk.health.lost).toBe(10);
    await inbox.until(() => inbox.messages.length === 10);
    await failed();
  });

  it.each([
    ['of our own', (url: string) => watched(url)],
    [
      'handed over, with ioredis’ own ways after a cut',
      async (url: string) => {
        const clients = handedOver(url);
        return { clients, carrier: await connected(clients) };
      },
    ],
  ])('over connections %s is published once at the most, and its loss counted', async (_, open) => {
    const failed = watchForUnhandled();
    const { url, admin, inbox } = await start();
    const { carrier, clients } = await open(url);
    let sequence = 0;
    const say = (count: number): void => {
      for (let index = 0; index < count; index++) carrier.publish('news', Buffer.from(`${sequence++}`));
    };

    for (let round = 0; round < 10; round++) {
      const [cut, id] = [closing(clients.publisher), await idOf(clients.publisher)];
      say(1_000);
      const killing = admin.call('CLIENT', 'KILL', 'ID', id);
      say(1_000);
      await Promise.all([killing, cut]);
      await carrier.connect(10_000);
      say(10);
    }
    expect(await clients.publisher.echo('in step')).toBe('in step');
    carrier.publish('fence', Buffer.alloc(0));

    await inbox.fence('fence');
    const heard = inbox.on('news').map(Number);
    expect(heard).toEqual([...new Set(heard)].toSorted((a, b) => a - b));
    expect(heard.length + carrier.health.lost).toBeGreaterThanOrEqual(sequence);
    expect(carrier.health.lost).toBeGreaterThan(0);
    await failed();
  });

  it('leaves a connection handed over in step, also where a team has refused commands sent again', async () => {
    const failed = watchForUnhandled();
    const { url, admin } = await start();
    await admin.call('ACL', 'SETUSER', 'clerk', 'on', '>secret', '~*', '+@all', 'resetchannels', '&news*');
    let refusals = 0;
    const options = {
      username: 'clerk',
      password: 'secret',
      reconnectOnError: (error: Error) => (error.message.includes('NOPERM') && ++refusals === 1 ? 2 : false),
    } as const;
    const clients = { publisher: new Redis(url, options), subscriber: new Redis(url) };
    for (const client of Object.values(clients)) onTestFinished(() => client.disconnect());
    const carrier = await connected({ ...clients, key: 'news' });

    for (const channel of ['news', 'forbidden', 'news']) carrier.publish(channel, Buffer.from('x'));
    await vi.waitFor(() => expect(refusals).toBe(1));
    await carrier.connect(10_000);

    const echoes = await Promise.all(['a', 'b', 'c'].map((word) => clients.publisher.echo(word)));
    expect(echoes).toEqual(['a', 'b', 'c']);
    await failed();
  });
});

async function start(options: RedisOutageOptions = {}) {
  const redis = await ownRedis();
  const [{ carrier: writer, clients }, reader] = [
    await watched(redis.url, options),
    await connected({ ...options, url: redis.url }),
  ];
  const inbox = inboxOf(reader);
  await reader.subscribe(['news', 'fence']);
  return { redis, url: redis.url, writer, clients, reader, inbox, admin: administrator(redis.url) };
}
