import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { DueTimer } from '../../src/fleet/due-timer.js';
import { IntervalTiming } from '../../src/fleet/timing.js';

const intervalMs = 1_000;

/** A timer of each second whose clock says one reading after the other, and then the last one for ever. */
function withReadings(...readings: number[]) {
  const dues: (readonly [due: number, missed: number])[] = [];
  const now = (): number => (readings.length > 1 ? readings.shift()! : readings[0]!);
  const timer = new DueTimer(
    new IntervalTiming(intervalMs),
    now,
    (due, missed) => dues.push([due, missed]),
    () => {},
    () => true,
  );
  timer.arm();
  return { dues, timer };
}

describe('a timer of due times', () => {
  beforeEach(() => vi.useFakeTimers());
  afterEach(() => vi.useRealTimers());

  it('calls at each of them', () => {
    const { dues } = withReadings(0.5, 1_000.2, 2_000.1, 2_500);

    vi.advanceTimersByTime(1_000);
    vi.advanceTimersByTime(1_000);

    expect(dues).toEqual([
      [1_000, 0],
      [2_000, 0],
    ]);
  });

  it('skips none where it goes off a moment early and the clock passes the due time while it looks', () => {
    const { dues } = withReadings(0.5, 999.999_9, 1_000.000_1);

    vi.advanceTimersByTime(1_001);

    expect(dues).toEqual([[1_000, 0]]);
  });

  it('says how many it has missed where the process stood still', () => {
    const { dues } = withReadings(0.5, 3_400);

    vi.advanceTimersByTime(1_000);

    expect(dues).toEqual([[3_000, 2]]);
  });

  it('waits again where the clock was set back meanwhile', () => {
    const { dues } = withReadings(5_000.5, 4_200, 5_000.1, 6_000.1);

    vi.advanceTimersByTime(1_000);
    expect(dues).toEqual([]);
    vi.advanceTimersByTime(800);

    expect(dues.map(([due]) => due)).toEqual([5_000]);
  });
});
