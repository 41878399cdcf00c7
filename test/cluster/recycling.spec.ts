import { describe, expect, it } from 'vitest';
import { nextToRecycle, type RecycleCandidate } from '../../src/cluster/recycling.js';
import type { WorkerState } from '../../src/cluster/worker-state.js';

const byAge = { maxAgeMs: 1_000, maxRssBytes: undefined };
const bySize = { maxAgeMs: undefined, maxRssBytes: 1_000 };
const now = 10_000;

/** A young, small and ready worker in the slot of its number, but for what a case is about. */
const worker = (id: number, facts: Partial<RecycleCandidate> = {}): RecycleCandidate => ({
  id,
  slot: id,
  generation: 1,
  state: 'ready',
  since: 0,
  deadline: Infinity,
  heardAt: 0,
  readySince: now,
  rssBytes: 0,
  jitter: 0,
  ...facts,
});

const old = (id: number, facts: Partial<RecycleCandidate> = {}) => worker(id, { readySince: 0, ...facts });

describe('recycling', () => {
  it('is off by default', () => {
    const limits = { maxAgeMs: undefined, maxRssBytes: undefined };

    expect(nextToRecycle([old(1, { rssBytes: Number.MAX_SAFE_INTEGER })], 1, limits, now)).toBeUndefined();
  });

  it.each([
    { ageMs: 999, jitter: 0, recycled: false },
    { ageMs: 1_000, jitter: 0, recycled: true },
    { ageMs: 799, jitter: 1, recycled: false },
    { ageMs: 800, jitter: 1, recycled: true },
    { ageMs: 900, jitter: 0.5, recycled: true },
    { ageMs: 899, jitter: 0.5, recycled: false },
  ])('by an age of 1000 ms, at $ageMs ms with a jitter of $jitter: $recycled', ({ ageMs, jitter, recycled }) => {
    const one = worker(1, { readySince: now - ageMs, jitter });

    expect(nextToRecycle([one], 1, byAge, now)).toBe(recycled ? one : undefined);
  });

  it.each([
    { rssBytes: 999, jitter: 0, recycled: false },
    { rssBytes: 1_000, jitter: 0, recycled: true },
    { rssBytes: 799, jitter: 1, recycled: false },
    { rssBytes: 800, jitter: 1, recycled: true },
  ])('by a size of 1000 bytes, at $rssBytes with a jitter of $jitter: $recycled', ({ rssBytes, jitter, recycled }) => {
    const one = worker(1, { rssBytes, jitter });

    expect(nextToRecycle([one], 1, bySize, now)).toBe(recycled ? one : undefined);
  });

  it('does not look at the size where only the age counts, nor the other way round', () => {
    expect(nextToRecycle([worker(1, { rssBytes: 1e9 })], 1, byAge, now)).toBeUndefined();
    expect(nextToRecycle([old(1)], 1, bySize, now)).toBeUndefined();
  });

  it('chooses one of several', () => {
    expect(nextToRecycle([worker(1), old(2), old(3)], 3, byAge, now)).toMatchObject({ id: 2 });
  });

  it.each<WorkerState>(['booting', 'draining', 'killed'])('waits while any worker is %s', (state) => {
    expect(nextToRecycle([old(1), worker(2, { state })], 2, byAge, now)).toBeUndefined();
  });

  it('waits while a worker is missing', () => {
    expect(nextToRecycle([old(1)], 2, byAge, now)).toBeUndefined();
  });

  it('waits while there are too many', () => {
    expect(nextToRecycle([old(1), worker(2)], 1, byAge, now)).toBeUndefined();
  });

  it('waits while one slot has two workers and another none', () => {
    expect(nextToRecycle([old(1), worker(2, { slot: 1, generation: 2 })], 2, byAge, now)).toBeUndefined();
  });
});
