import { inspect } from 'node:util';
import { describe, expect, it, onTestFinished } from 'vitest';
import { RedisCarrier } from '../../src/carrier/redis.carrier.js';
import { RedisUnreachableError } from '../../src/errors.js';
import { freePort } from '../support/free-port.js';
import { inboxOf } from '../support/inbox.js';
import { administrator, closing, connected, handedOver, idOf, ownRedis, watched } from '../support/redis-carriers.js';
import type { RedisServer } from '../support/redis-server.js';
import { watchForUnhandled } from '../support/rejections.js';

describe('the Redis carrier whose connection is cut', () => {
  it('has every subscription again before it is connected, also those made meanwhile', async () => {
    const failed = watchForUnhandled();
    const { url } = await ownRedis();
    const [{ carrier: reader, clients }, admin] = [await watched(url), administrator(url)];
    const writer = await connected({ url });
    const inbox = inboxOf(reader);
    const before = Array.from({ length: 1_200 }, (_, index) => `before ${index}`);
    await Promise.all([reader.subscribe([...before, 'left']), reader.subscribePrefix('prefix')]);

    const cut = closing(clients.subscriber);
    await admin.call('CLIENT', 'KILL', 'TYPE', 'pubsub');
    await cut;
    expect(reader.health.state).toBe('away');
    const meanwhile = Promise.all([reader.subscribe(['meanwhile']), reader.subscribePrefix('[mean]')]);
    reader.unsubscribe(['left']);
    await reader.connect(10_000);

    const channels = [...before, 'left', 'meanwhile', 'prefix#', '[mean]#'];
    await writer.connect(10_000);
    for (const channel of [...channels, 'before 0']) writer.publish(channel, Buffer.from('x'));
    await inbox.until(() => inbox.on('before 0').length === 2);
    expect(inbox.channels).toEqual([...channels.filter((channel) => channel !== 'left'), 'before 0']);
    await meanwhile;
    await failed();
  });

  it('resolves a subscription that the cut took away once it is live', async () => {
    const { url } = await ownRedis();
    const [{ carrier: reader, clients }, admin] = [await watched(url), administrator(url)];
    const writer = await connected({ url });
    const inbox = inboxOf(reader);
    await reader.subscribe(['first']);
    const cut = closing(clients.subscriber);
    await admin.call('CLIENT', 'KILL', 'TYPE', 'pubsub');
    await cut;

    await reader.subscribe(['second']);

    await writer.connect(10_000);
    for (const channel of ['first', 'second']) writer.publish(channel, Buffer.from('x'));
    await inbox.fence('second');
    expect(inbox.channels).toEqual(['first', 'second']);
  });

  it('publishes nothing twice, keeps the order, and counts what was lost', async () => {
    const failed = watchForUnhandled();
    const { url } = await ownRedis();
    const [{ carrier: writer, clients }, admin] = [await watched(url), administrator(url)];
    const { carrier: reader } = await watched(url);
    const inbox = inboxOf(reader);
    await reader.subscribe(['news', 'fence']);
    let sequence = 0;
    const say = (count: number): void => {
      for (let index = 0; index < count; index++) writer.publish('news', Buffer.from(`${sequence++}`));
    };

    for (let round = 0; round < 5; round++) {
      const cut = closing(clients.publisher);
      say(200);
      // Otherwise the question for the id may overtake them.
      await writer.subscribers('news');
      const killing = admin.call('CLIENT', 'KILL', 'ID', await idOf(clients.publisher));
      say(200);
      await Promise.all([killing, cut]);
      say(50);
      await writer.connect(10_000);
      say(50);
    }
    writer.publish('fence', Buffer.alloc(0));

    await inbox.fence('fence');
    const heard = inbox.on('news').map(Number);
    expect(heard).toEqual([...new Set(heard)].toSorted((a, b) => a - b));
    expect(heard.length + writer.health.lost).toBeGreaterThanOrEqual(sequence);
    // What was said in an outage waits for its end.
    expect(heard.length).toBeGreaterThanOrEqual(5 * 100);
    await failed();
  });

  it('hears again after Redis was started anew', async () => {
    const failed = watchForUnhandled();
    const redis = await ownRedis();
    const [{ carrier: reader, clients }, writer] = [await watched(redis.url), await connected(redis)];
    const inbox = inboxOf(reader);
    await reader.subscribe(['news']);
    const cut = closing(clients.subscriber);
    await redis.stop();
    await cut;
    const meanwhile = reader.subscribe(['meanwhile']);

    await ownRedis(redis.port);
    await Promise.all([reader.connect(20_000), writer.connect(20_000), meanwhile]);

    for (const channel of ['news', 'meanwhile']) writer.publish(channel, Buffer.from('x'));
    await inbox.fence('meanwhile');
    expect(inbox.channels).toEqual(['news', 'meanwhile']);
    await failed();
  });
});

describe('the Redis carrier without Redis', () => {
  it('counts what it is given as lost once that is too old, never throws, and closes quickly', async () => {
    const failed = watchForUnhandled();
    const redis = await ownRedis();
    const { carrier, clients } = await watched(redis.url, { queueAgeMs: 100 });
    await carrier.subscribe(['news']);
    const cut = Promise.all([closing(clients.publisher), closing(clients.subscriber)]);
    await redis.stop();
    await cut;

    for (let sequence = 0; sequence < 1_000; sequence++) carrier.publish('news', Buffer.from('x'));
    const waiting = Promise.all([carrier.subscribe(['other']), carrier.subscribePrefix('pre')]);
    carrier.unsubscribe(['news']);

    expect(carrier.health).toEqual({ state: 'away', lost: 0 });
    await expect.poll(() => carrier.health).toEqual({ state: 'away', lost: 1_000 });
    await expect(carrier.subscribers('news')).rejects.toBeInstanceOf(Error);
    const since = performance.now();
    await carrier.close();
    expect(performance.now() - since).toBeLessThan(1_500);
    await waiting;
    await failed();
  });

  it('closes quickly while it was never there', async () => {
    const failed = watchForUnhandled();
    const carrier = new RedisCarrier({ url: `redis://127.0.0.1:${await freePort()}` });
    await expect(carrier.connect(50)).rejects.toThrow(RedisUnreachableError);
    const since = performance.now();

    await carrier.close();

    expect(performance.now() - since).toBeLessThan(1_500);
    expect(carrier.health.state).toBe('closed');
    await failed();
  });

  it('fails to connect with the address and no password', async () => {
    const failed = watchForUnhandled();
    const port = await freePort();
    const carrier = new RedisCarrier({ url: `redis://alice:s3cret@127.0.0.1:${port}/2` });
    onTestFinished(() => carrier.close());

    const error = await reasonOf(carrier.connect(200));

    expect(error).toBeInstanceOf(RedisUnreachableError);
    expect(error.message).toContain(`127.0.0.1:${port}`);
    expect(inspect(error, { depth: 10, showHidden: true })).not.toMatch(/s3cret|alice/);
    await failed();
  });

  it('fails to connect with a wrong password, and does not tell it', async () => {
    const { port } = await ownRedis(undefined, ['--requirepass', 'right']);
    const carrier = new RedisCarrier({ url: `redis://:s3cret@127.0.0.1:${port}` });
    onTestFinished(() => carrier.close());

    const error = await reasonOf(carrier.connect(500));

    expect(error).toBeInstanceOf(RedisUnreachableError);
    expect(error.message).toMatch(/WRONGPASS/);
    expect(inspect(error, { depth: 10, showHidden: true })).not.toContain('s3cret');
  });

  it('makes the subscriptions once Redis is there', async () => {
    const port = await freePort();
    const carrier = new RedisCarrier({ url: `redis://127.0.0.1:${port}` });
    onTestFinished(() => carrier.close());
    await expect(carrier.connect(50)).rejects.toThrow(RedisUnreachableError);
    const live = carrier.subscribe(['news']);
    expect(carrier.health.state).toBe('connecting');

    await ownRedis(port);
    await live;

    const inbox = inboxOf(carrier);
    carrier.publish('news', Buffer.from('x'));
    await inbox.fence('news');
    expect(carrier.health.state).toBe('connected');
  });
});

describe('the Redis carrier while Redis is silent', () => {
  it('holds a bounded number of bytes, counts the rest, and delivers what it held', async () => {
    const failed = watchForUnhandled();
    const redis = await ownRedis();
    const [writer, reader] = [await connected(redis), await connected(redis)];
    const inbox = inboxOf(reader);
    await reader.subscribe(['news']);
    redis.process.kill('SIGSTOP');

    for (let sequence = 0; sequence < 40; sequence++) writer.publish('news', Buffer.alloc(1_048_576, sequence));
    const { lost } = writer.health;
    redis.process.kill('SIGCONT');

    expect(lost).toBeGreaterThan(0);
    await inbox.until(() => inbox.messages.length === 40 - lost);
    expect(inbox.messages.map((message) => message[0])).toEqual(Array.from({ length: 40 - lost }, (_, index) => index));
    expect(writer.health.lost).toBe(lost);
    await failed();
  });

  it.each([
    ['connections of its own', ({ url }: RedisServer) => ({ url })],
    ['connections handed over', ({ url }: RedisServer) => handedOver(url)],
  ])('closes quickly, with %s', async (_, optionsFor) => {
    const failed = watchForUnhandled();
    const redis = await ownRedis();
    const carrier = await connected(optionsFor(redis));
    await carrier.subscribe(['news']);
    redis.process.kill('SIGSTOP');
    carrier.publish('news', Buffer.from('x'));
    const waiting = carrier.subscribe(['other']);

    const since = performance.now();
    await carrier.close();

    expect(performance.now() - since).toBeLessThan(1_500);
    await waiting;
    await failed();
  });

  it('says that nobody can tell how many subscribers there are', async () => {
    const redis = await ownRedis();
    const carrier = await connected({ url: redis.url, probeTimeoutMs: 10_000 });
    redis.process.kill('SIGSTOP');

    await expect(carrier.subscribers('news')).rejects.toThrow('Redis did not answer within 2000 ms.');
  });

  it('does not let connect wait longer than it was told', async () => {
    const redis = await ownRedis();
    const { publisher, subscriber } = handedOver(redis.url);
    await Promise.all([publisher.ping(), subscriber.ping()]);
    redis.process.kill('SIGSTOP');
    const carrier = new RedisCarrier({ publisher, subscriber });
    onTestFinished(() => carrier.close());
    void carrier.subscribe(['news']);
    const since = performance.now();

    await expect(carrier.connect(100)).rejects.toThrow(RedisUnreachableError);

    expect(performance.now() - since).toBeLessThan(2_000);
  });
});

async function reasonOf(promise: Promise<unknown>): Promise<Error> {
  return promise.then(
    () => Promise.reject(new Error('It succeeded.')),
    (error: Error) => error,
  );
}
