import { randomUUID } from 'node:crypto';
import { setTimeout as elapsed } from 'node:timers/promises';
import { describe, expect, inject, it, onTestFinished } from 'vitest';
import type { LeaseStore } from '../../src/fleet/lease-store.js';
import { MemoryLeaseStore } from '../../src/fleet/memory-lease-store.js';
import { RedisLeaseStore } from '../../src/fleet/redis-lease-store.js';
import { openRedisClient } from '../support/nodes.js';

const stores = { memory: () => Promise.resolve(new MemoryLeaseStore()), redis: async () => (await openStore()).store };

describe.each(Object.entries(stores))('the lease in %s', (_name, open) => {
  it('goes to the first who asks, and to nobody else while it lasts', async () => {
    const store = await open();

    expect(await store.acquire('a', 5_000, 0)).toMatchObject({
      held: true,
      record: { counter: 1, holder: 'a', why: 'first' },
    });
    const refused = await store.acquire('b', 5_000, 0);
    expect(refused).toMatchObject({ held: false, record: { counter: 1, holder: 'a' } });
    const remaining = refused.record.until - refused.serverTime;
    expect(remaining > 4_000 && remaining <= 5_000).toBe(true);
  });

  it('goes to the next with a higher term when it was given back', async () => {
    const store = await open();
    await store.acquire('a', 5_000, 0);

    await store.release({ counter: 1, holder: 'a' });

    expect(await store.acquire('b', 5_000, 0)).toMatchObject({
      held: true,
      record: { counter: 2, holder: 'b', why: 'released' },
    });
  });

  it('goes to the next with a higher term when it has ended', async () => {
    const store = await open();
    await store.acquire('a', 20, 0);
    await elapsed(30);

    expect(await store.acquire('b', 5_000, 0)).toMatchObject({ held: true, record: { counter: 2, why: 'expired' } });
  });

  it('gives its holder a new term, not the old one again, where it asks anew', async () => {
    const store = await open();
    await store.acquire('a', 5_000, 0);

    expect(await store.acquire('a', 5_000, 0)).toMatchObject({ held: true, record: { counter: 2, holder: 'a' } });
  });

  it('raises the term above the highest that the candidate has heard of', async () => {
    const store = await open();

    expect(await store.acquire('a', 5_000, 41)).toMatchObject({ record: { counter: 42, why: 'counter lost' } });
  });

  it('is renewed by its own term alone', async () => {
    const store = await open();
    await store.acquire('a', 100, 0);

    expect(await store.renew({ counter: 1, holder: 'b' }, 5_000)).toMatchObject({ held: false });
    expect(await store.renew({ counter: 2, holder: 'a' }, 5_000)).toMatchObject({ held: false });
    const renewed = await store.renew({ counter: 1, holder: 'a' }, 5_000);
    expect(renewed.held).toBe(true);
    expect(renewed.record.until - renewed.serverTime).toBeGreaterThan(4_000);
  });

  it('is not given back by an older term', async () => {
    const store = await open();
    await store.acquire('a', 5_000, 0);
    await store.acquire('a', 5_000, 0);

    await store.release({ counter: 1, holder: 'a' });

    expect(await store.acquire('b', 5_000, 0)).toMatchObject({ held: false });
  });

  it('lets a term run a job once for each time, and no older time after it', async () => {
    const store = await open();
    await store.acquire('a', 5_000, 0);
    const term = { counter: 1, holder: 'a' };

    expect(await store.claim(term, 'report', 1_000)).toBe(true);
    expect(await store.claim(term, 'report', 1_000)).toBe(false);
    expect(await store.claim(term, 'report', 900)).toBe(false);
    expect(await store.claim(term, 'other', 900)).toBe(true);
    expect(await store.claim(term, 'report', 1_001)).toBe(true);
  });

  it('lets no term run a job that has been followed by another', async () => {
    const store = await open();
    await store.acquire('a', 5_000, 0);
    await store.release({ counter: 1, holder: 'a' });
    await store.acquire('b', 5_000, 0);

    expect(await store.claim({ counter: 1, holder: 'a' }, 'report', 1_000)).toBe(false);
    expect(await store.claim({ counter: 2, holder: 'b' }, 'report', 1_000)).toBe(true);
  });

  it('keeps the lease for as long as it was granted, however short one the next would take', async () => {
    const store = await open();
    await store.acquire('a', 5_000, 0);

    const refused = await store.acquire('b', 500, 0);

    expect(refused.held).toBe(false);
    expect(refused.record.until - refused.serverTime).toBeGreaterThan(4_000);
  });

  it('lets nobody claim what is more than a minute ahead, and passes over such a claim of before', async () => {
    const store = await open();
    await store.acquire('a', 5_000, 0);
    const term = { counter: 1, holder: 'a' };
    const now = Date.now();

    expect(await store.claim(term, 'report', now + 7_200_000)).toBe(false);
    expect(await store.claim(term, 'report', now + 30_000)).toBe(true);
    expect(await store.claim(term, 'report', now)).toBe(false);
    await store.know('misled', now + 7_200_000);
    expect(await store.claim(term, 'misled', now)).toBe(true);
  });

  it('tells whether a term has the lease still', async () => {
    const store = await open();
    await store.acquire('a', 5_000, 0);

    expect(await store.holds({ counter: 1, holder: 'a' })).toBe(true);
    expect(await store.holds({ counter: 1, holder: 'b' })).toBe(false);
    expect(await store.holds({ counter: 2, holder: 'a' })).toBe(false);
  });

  it('remembers since when a job is known, until it has run', async () => {
    const store = await open();
    await store.acquire('a', 5_000, 0);

    await store.know('report', 500);
    await store.know('report', 700);
    expect((await store.jobs()).get('report')).toEqual({ due: 500, last: undefined });

    await store.claim({ counter: 1, holder: 'a' }, 'report', 1_000);
    await store.know('report', 2_000);
    expect((await store.jobs()).get('report')).toEqual({ due: 1_000, last: undefined });
  });

  it('remembers what jobs have done', async () => {
    const store = await open();
    await store.acquire('a', 5_000, 0);
    await store.claim({ counter: 1, holder: 'a' }, 'report: daily', 1_000);
    await store.note('report: daily', 'fine');
    await store.note('by hand', 'bad');

    expect(Object.fromEntries(await store.jobs())).toEqual({
      'by hand': { due: undefined, last: 'bad' },
      'report: daily': { due: 1_000, last: 'fine' },
    });
  });
});

describe('the lease in Redis', () => {
  it('ends within its length although the clock of the server was set back by an hour', async () => {
    const { store, key } = await openStore();
    await store.acquire('a', 50, 0);
    await openRedisClient().hset(`${key}:lease`, 'until', Date.now() + 3_600_000);

    expect(await store.acquire('b', 50, 0)).toMatchObject({ held: false });
    await elapsed(60);

    expect(await store.acquire('b', 50, 0)).toMatchObject({ held: true });
  });

  it('is one key, so that it needs no more than one slot of a Redis Cluster', async () => {
    const { store, key } = await openStore();
    await store.acquire('a', 5_000, 0);
    await store.claim({ counter: 1, holder: 'a' }, 'report', 1);
    await store.note('report', 'fine');

    expect(await openRedisClient().keys(`${key}*`)).toEqual([`${key}:lease`]);
  });
});

async function openStore(): Promise<{ store: LeaseStore; key: string }> {
  const key = randomUUID();
  const store = new RedisLeaseStore({ redis: { url: inject('redisUrl') }, key, commandTimeoutMs: 2_000 });
  onTestFinished(() => store.close());
  await store.connected(5_000);
  return { store, key };
}
