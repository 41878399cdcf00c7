import { describe, expect, it } from 'vitest';
import { inboxOf } from '../support/inbox.js';
import { administrator, closing, connected, handedOver, ownRedis } from '../support/redis-carriers.js';
import { watchForUnhandled } from '../support/rejections.js';
import { describeCarrier } from './carrier.contract.js';

describeCarrier('Redis (by URL)', async (count) => {
  const { url } = await ownRedis();
  return Promise.all(Array.from({ length: count }, () => connected({ url })));
});

describeCarrier('Redis (with connections handed over)', async (count) => {
  const { url } = await ownRedis();
  return Promise.all(Array.from({ length: count }, () => connected(handedOver(url))));
});

describe('the Redis carrier with connections handed over', () => {
  it('leaves them open and as they were when it closes', async () => {
    const { url } = await ownRedis();
    const clients = handedOver(url);
    const listeners = (): number[][] =>
      [clients.publisher, clients.subscriber].map((client) =>
        client.eventNames().map((name) => client.listenerCount(name)),
      );
    await Promise.all([clients.publisher.ping(), clients.subscriber.ping()]);
    const before = listeners();
    const carrier = await connected(clients);
    await Promise.all([carrier.subscribe(['news']), carrier.subscribePrefix('pre')]);

    await carrier.close();

    expect(await clients.publisher.pubsub('NUMSUB', 'news')).toEqual(['news', 0]);
    expect(await clients.publisher.pubsub('NUMPAT')).toBe(0);
    expect(listeners()).toEqual(before);
    expect([clients.publisher.status, clients.subscriber.status]).toEqual(['ready', 'ready']);
  });

  it('hears again after a cut, whatever ioredis does by itself', async () => {
    const failed = watchForUnhandled();
    const { url } = await ownRedis();
    const clients = handedOver(url);
    const [reader, writer] = [await connected(clients), await connected({ url })];
    const inbox = inboxOf(reader);
    await reader.subscribe(['before', 'left']);
    const cut = closing(clients.subscriber);
    await administrator(url).call('CLIENT', 'KILL', 'TYPE', 'pubsub');
    await cut;
    reader.unsubscribe(['left']);

    await reader.subscribe(['meanwhile']);
    await reader.connect(10_000);
    await writer.connect(10_000);
    for (const channel of ['before', 'left', 'meanwhile']) writer.publish(channel, Buffer.from('x'));

    await inbox.fence('meanwhile');
    expect(inbox.channels).toEqual(['before', 'meanwhile']);
    await failed();
  });
});
