import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { departures } from '../../src/cluster/drain-schedule.js';

const early = () => 0;
const late = () => 1;

describe('departures', () => {
  it.each([
    { clients: 0, drainMs: 1_000, batches: [] },
    { clients: 1, drainMs: 1_000, batches: [[0, 1]] },
    { clients: 5, drainMs: 0, batches: [[0, 5]] },
    { clients: 5, drainMs: 99, batches: [[0, 5]] },
    {
      clients: 4,
      drainMs: 200,
      batches: [
        [0, 2],
        [100, 2],
      ],
    },
    {
      clients: 2,
      drainMs: 10_000,
      batches: [
        [0, 1],
        [5_000, 1],
      ],
    },
  ])('of $clients clients in $drainMs ms are $batches at the earliest', ({ clients, drainMs, batches }) => {
    expect(departures(clients, drainMs, early).map(({ atMs, count }) => [atMs, count])).toEqual(batches);
  });

  it('lie at the latest where the next share begins', () => {
    expect(departures(4, 200, late).map(({ atMs }) => atMs)).toEqual([100, 200]);
  });

  it('spread a remainder over the batches', () => {
    const counts = departures(10, 400, early).map(({ count }) => count);

    expect(counts.toSorted((a, b) => a - b)).toEqual([2, 2, 3, 3]);
  });

  it('let everybody go, one batch after the other, in batches of one size, within the time', () => {
    const chance = fc.infiniteStream(fc.double({ min: 0, max: 1, noNaN: true }));
    fc.assert(
      fc.property(fc.nat(5_000), fc.nat(30_000), chance, (clients, drainMs, random) => {
        const batches = departures(clients, drainMs, () => random.next().value);
        const counts = batches.map(({ count }) => count);
        const times = batches.map(({ atMs }) => atMs);

        expect(counts.reduce((sum, count) => sum + count, 0)).toBe(clients);
        expect(Math.max(0, ...counts)).toBeLessThanOrEqual(Math.ceil(clients / Math.max(1, batches.length)));
        expect(counts.every((count) => count > 0)).toBe(true);
        expect(times).toEqual(times.toSorted((a, b) => a - b));
        expect(times.every((atMs) => atMs >= 0 && atMs <= drainMs)).toBe(true);
        expect(batches.length).toBeLessThanOrEqual(Math.max(1, drainMs / 100));
      }),
      { numRuns: 300 },
    );
  });

  it('differ from drain to drain as chance has it', () => {
    expect(departures(100, 5_000, () => 0.2)).not.toEqual(departures(100, 5_000, () => 0.7));
  });
});
