import { setTimeout as elapsed } from 'node:timers/promises';
import { Logger } from '@nestjs/common';
import type { Redis } from 'ioredis';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import type { RedisCarrier } from '../../src/carrier/redis.carrier.js';
import { startFaultProxy } from '../support/fault-proxy.js';
import { freePort } from '../support/free-port.js';
import { inboxOf } from '../support/inbox.js';
import { administrator, connected, handedOver, idOf, ownRedis, watched } from '../support/redis-carriers.js';
import { watchForUnhandled } from '../support/rejections.js';

describe('the Redis carrier', () => {
  it('notices within a second that Redis is frozen, and is whole again once it has thawed', async () => {
    const failed = watchForUnhandled();
    const redis = await ownRedis();
    const { carrier } = await watched(redis.url);
    const inbox = inboxOf(carrier);
    await carrier.subscribe(['before']);
    redis.process.kill('SIGSTOP');

    const since = performance.now();
    await state(carrier, 'away');
    expect(performance.now() - since).toBeLessThan(1_000);
    const meanwhile = carrier.subscribe(['meanwhile']);
    redis.process.kill('SIGCONT');
    await Promise.all([state(carrier, 'connected'), meanwhile]);
    for (const channel of ['before', 'meanwhile']) carrier.publish(channel, Buffer.from('x'));

    await inbox.fence('meanwhile');
    expect(inbox.channels).toEqual(['before', 'meanwhile']);
    await failed();
  });

  it.each([
    ['ended behind its back', ({ subscriber }: { subscriber: Redis }) => void subscriber.unsubscribe().catch(() => {})],
    [
      'on a connection that is dead, while the other one lives',
      ({ subscriber }: { subscriber: Redis }) => void subscriber.stream.removeAllListeners('data'),
    ],
  ])('makes its subscriptions anew when they are %s: connected is not subscribed', async (_, kill) => {
    const failed = watchForUnhandled();
    const redis = await ownRedis();
    const { carrier, clients } = await watched(redis.url);
    const inbox = inboxOf(carrier);
    await carrier.subscribe(['news']);
    await carrier.subscribePrefix('pre');

    kill(clients);
    await state(carrier, 'away');
    await state(carrier, 'connected');
    for (const channel of ['news', 'prefix']) carrier.publish(channel, Buffer.from('x'));

    await inbox.fence('prefix');
    expect(inbox.channels).toEqual(['news', 'prefix']);
    await failed();
  });

  it('blames nobody when it was this process that stood still', async () => {
    const redis = await ownRedis();
    const { carrier, clients } = await watched(redis.url);
    const id = await idOf(clients.publisher);

    for (let round = 0; round < 3; round++) {
      standStill(1_500);
      await elapsed(20);
      expect(carrier.health.state).toBe('connected');
    }

    expect(await idOf(clients.publisher)).toBe(id);
  });

  it('blames nobody while much is on its way, and comes slowly', async () => {
    const redis = await ownRedis();
    const proxy = await startFaultProxy(redis);
    const { carrier, clients } = await watched(proxy.url);
    const inbox = inboxOf(carrier);
    await carrier.subscribe(['news']);
    const id = await idOf(clients.publisher);
    proxy.set({ kind: 'drip', bytes: 10_000, everyMs: 50 }, 'to the client');

    for (let sequence = 0; sequence < 20; sequence++) carrier.publish('news', Buffer.alloc(20_000, sequence));
    const since = performance.now();
    await inbox.until(() => inbox.messages.length === 20);

    expect(performance.now() - since).toBeGreaterThan(1_500);
    expect(await idOf(clients.publisher)).toBe(id);
    expect(carrier.health).toEqual({ state: 'connected', lost: 0 });
  });

  it.each([
    ['its own', (url: string) => ({ url })],
    ['handed over', (url: string) => handedOver(url)],
  ])('is not connected to a replica, whose PUBLISH reaches few; over connections %s', async (_, optionsFor) => {
    const failed = watchForUnhandled();
    const [master, replica] = [await ownRedis(), await ownRedis()];
    const carrier = await connected(optionsFor(replica.url));
    const far = await connected({ url: master.url });
    const inbox = inboxOf(far);
    await far.subscribe(['news']);

    const admin = administrator(replica.url);
    await admin.call('REPLICAOF', '127.0.0.1', `${master.port}`);
    await state(carrier, 'away');
    carrier.publish('news', Buffer.from('too early'));
    await elapsed(2_500);
    expect(carrier.health.state).toBe('away');
    expect(inbox.messages).toEqual([]);
    await admin.call('REPLICAOF', 'NO', 'ONE');

    await state(carrier, 'connected');
    await failed();
  });

  it('does not start on a replica, and says so', async () => {
    const replica = await ownRedis(undefined, ['--replicaof', '127.0.0.1', `${await freePort()}`]);

    await expect(connected({ url: replica.url })).rejects.toThrow(
      /could not be used within \d+ ms \(it is a replica\)/,
    );
  }, 20_000);

  it('says in one line what an outage was and what it cost', async () => {
    const redis = await ownRedis();
    const { carrier } = await watched(redis.url, { queueAgeMs: 100 });
    const said: string[] = [];
    for (const level of ['warn', 'log'] as const) {
      const spy = vi.spyOn(Logger.prototype, level).mockImplementation((line: string) => {
        // No other test's words are among them.
        if (line.includes(carrier.address)) said.push(line);
      });
      onTestFinished(() => spy.mockRestore());
    }

    redis.process.kill('SIGSTOP');
    await state(carrier, 'away');
    for (let sequence = 0; sequence < 10; sequence++) carrier.publish('news', Buffer.from(`${sequence}`));
    await expect.poll(() => carrier.health.lost).toBeGreaterThanOrEqual(10);
    redis.process.kill('SIGCONT');
    await state(carrier, 'connected');

    const { lost } = carrier.health;
    expect(said).toEqual([
      `Redis at ${carrier.address} cannot be used (it is silent): trying again`,
      expect.stringMatching(
        new RegExp(`^Redis at ${carrier.address} is back after \\d+ ms; ${lost} messages were lost$`),
      ),
    ]);
  });
});

async function state(carrier: RedisCarrier, wanted: string): Promise<void> {
  await expect.poll(() => carrier.health.state, { interval: 5, timeout: 15_000 }).toBe(wanted);
}

function standStill(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}
