import { Logger } from '@nestjs/common';
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import type { Carrier } from '../../src/carrier.js';
import { FleetClock } from '../../src/fleet-clock.js';
import { LeaseHolder } from '../../src/fleet/lease-holder.js';
import type { LeaseStore } from '../../src/fleet/lease-store.js';
import { MemoryLeaseStore } from '../../src/fleet/memory-lease-store.js';
import { startFleet } from '../support/nodes.js';
import { RecordingCarrier } from '../support/recording-carrier.js';

const leaseMs = 2_000;

describe('who takes part in the lease', () => {
  beforeEach(() => {
    vi.useFakeTimers({ now: 1_700_000_000_000 });
    onTestFinished(() => void vi.useRealTimers());
  });

  it('leads once the lease server grants it, and says so', async () => {
    const { holder, changes } = await begin(new MemoryLeaseStore());

    await vi.advanceTimersByTimeAsync(500);

    expect(holder.term).toEqual({ counter: 1, holder: expect.stringMatching(/^host:\d+:[0-9a-f]{8}$/) });
    expect(changes).toEqual([holder.term]);
    expect(holder.status).toEqual({
      here: true,
      holder: holder.term!.holder,
      term: 1,
      ageMs: 500,
      why: 'first',
      knownForMs: expect.any(Number),
      takeovers: 1,
      steppedDown: null,
      failure: null,
    });
  });

  it('goes on leading in the same term as long as it can renew', async () => {
    const { holder, changes } = await begin(new MemoryLeaseStore());

    await vi.advanceTimersByTimeAsync(20 * leaseMs);

    expect(holder.term?.counter).toBe(1);
    expect(changes).toHaveLength(1);
  });

  it('ceases to lead before the lease ends where the lease server is silent', async () => {
    const store = new MemoryLeaseStore();
    const { holder, changes } = await begin(store);

    vi.spyOn(store, 'renew').mockImplementation(() => new Promise(() => {}));
    await vi.advanceTimersByTimeAsync(leaseMs * 0.9 + 1);

    expect(holder.term).toBeUndefined();
    expect(changes.at(-1)).toBeUndefined();
    expect(holder.status.steppedDown).toBe('not renewed');
  });

  it('does not lead any more after its loop has stalled, before any timer of it has run', async () => {
    const { holder } = await begin(new MemoryLeaseStore());

    const now = performance.now();
    vi.spyOn(performance, 'now').mockReturnValue(now + leaseMs * 0.95);

    expect(holder.term).toBeUndefined();
  });

  it('goes by no wall clock', async () => {
    const { holder } = await begin(new MemoryLeaseStore(() => 5_000_000));

    vi.setSystemTime(1_900_000_000_000);
    expect(holder.term?.counter).toBe(1);

    vi.setSystemTime(1_500_000_000_000);
    await vi.advanceTimersByTimeAsync(leaseMs);
    expect(holder.term?.counter).toBe(1);
  });

  it('follows while another leads, and takes over as soon as that one gives the lease back', async () => {
    const [store, open] = [new MemoryLeaseStore(), startFleet('embedded').openCarrier];
    const first = await begin(store, await open());
    const second = await begin(store, await open());
    await vi.advanceTimersByTimeAsync(100);
    expect(second.holder.status).toMatchObject({ here: false, holder: first.holder.term!.holder, term: 1 });

    await first.holder.onModuleDestroy();
    await vi.advanceTimersByTimeAsync(100);

    expect(first.holder.status.steppedDown).toBe('resigned');
    expect(second.holder.status).toMatchObject({ here: true, term: 2, why: 'released' });
  });

  it('takes over within the lease from one that is heard of no more', async () => {
    const store = new MemoryLeaseStore();
    await store.acquire('dead', leaseMs, 0);
    const { holder } = await begin(store);
    expect(holder.term).toBeUndefined();

    await vi.advanceTimersByTimeAsync(leaseMs + 2);

    expect(holder.status).toMatchObject({ here: true, term: 2, why: 'expired' });
  });

  it('raises its term above the highest that it has heard of', async () => {
    const { holder } = await begin(new MemoryLeaseStore());

    holder.observe({ counter: 40, holder: 'lost by a failover' });
    await vi.advanceTimersByTimeAsync(1);

    expect(holder.status).toMatchObject({ here: true, term: 41, why: 'counter lost', steppedDown: 'outranked' });
  });

  it('passes over a term that no fleet can have reached', async () => {
    const { holder } = await begin(new MemoryLeaseStore());

    holder.observe({ counter: 5_000_000, holder: 'forged' });
    await vi.advanceTimersByTimeAsync(1);

    expect(holder.term?.counter).toBe(1);
    expect(holder.newestTerm.counter).toBe(1);
  });

  it('says once why the lease server cannot be used, and that it answers again', async () => {
    const warn = vi.spyOn(Logger.prototype, 'warn').mockImplementation(() => {});
    const log = vi.spyOn(Logger.prototype, 'log').mockImplementation(() => {});
    onTestFinished(() => [warn, log].forEach((spy) => spy.mockRestore()));
    const store = new MemoryLeaseStore();
    const { holder } = await begin(store);

    const renew = vi.spyOn(store, 'renew').mockRejectedValue(new Error('WRONGTYPE of value'));
    await vi.advanceTimersByTimeAsync(leaseMs / 2);
    expect(holder.status.failure).toBe('WRONGTYPE of value');
    renew.mockRestore();
    await vi.advanceTimersByTimeAsync(leaseMs / 2);

    expect(holder.status.failure).toBeNull();
    expect(warn.mock.calls).toEqual([['the lease server cannot be used (WRONGTYPE of value): trying again']]);
    expect(log.mock.calls.at(-1)).toEqual(['the lease server answers again']);
  });

  it('sets the fleet’s clock by each answer', async () => {
    const clock = new FleetClock();
    const holder = holderOf(new MemoryLeaseStore(() => 5_000_000), new RecordingCarrier(), clock);

    await holder.begin();

    expect(clock.measured()).toBe(5_000_000);
  });

  it('tells whoever is in an older term that there is a newer one', async () => {
    const carrier = new RecordingCarrier();
    const { holder } = await begin(new MemoryLeaseStore(), carrier);
    const said = carrier.published.length;
    await vi.advanceTimersByTimeAsync(500);

    holder.observe({ counter: 0, holder: 'old' });

    expect(carrier.published).toHaveLength(said + 1);
    expect(JSON.parse(carrier.published.at(-1)!.message.toString())).toEqual(holder.term);
  });

  it('stands back for a while after it was told to give the lease away, and leads again where nobody else does', async () => {
    const { holder } = await begin(new MemoryLeaseStore());

    await holder.resign();
    expect(holder.term).toBeUndefined();
    await vi.advanceTimersByTimeAsync(leaseMs / 4);
    expect(holder.term).toBeUndefined();

    await vi.advanceTimersByTimeAsync(leaseMs);
    expect(holder.status).toMatchObject({ here: true, term: 2, why: 'released' });
  });

  it('does not wait for a lease server that is away, neither as it starts nor as it ends', async () => {
    const store = new MemoryLeaseStore();
    vi.spyOn(store, 'acquire').mockImplementation(() => new Promise(() => {}));
    const holder = holderOf(store);
    const began = holder.begin();
    await vi.advanceTimersByTimeAsync(1_000);

    await began;
    await holder.onModuleDestroy();

    expect(holder.term).toBeUndefined();
  });
});

async function begin(store: LeaseStore, carrier: Carrier = new RecordingCarrier()) {
  const holder = holderOf(store, carrier);
  const changes: unknown[] = [];
  holder.onChange((term) => changes.push(term));
  await holder.begin();
  return { holder, changes };
}

function holderOf(store: LeaseStore, carrier: Carrier = new RecordingCarrier(), clock = new FleetClock()): LeaseHolder {
  const options = { redis: undefined, key: 'socket.io', leaseMs, host: 'host' };
  const holder = new LeaseHolder(store, options, clock, carrier);
  onTestFinished(() => holder.onApplicationShutdown());
  return holder;
}
