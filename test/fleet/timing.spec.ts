import { describe, expect, it } from 'vitest';
import { CronTiming, IntervalTiming } from '../../src/fleet/timing.js';

const day = 86_400_000;
const iso = (time: number | undefined): string => new Date(time!).toISOString();

describe('an interval', () => {
  const timing = new IntervalTiming(500);

  it('is due at its multiples', () => {
    expect(timing.next(1_000)).toBe(1_500);
    expect(timing.next(1_499.5)).toBe(1_500);
  });

  it('counts what was due after a time, the end included', () => {
    expect(timing.latest(1_000, 2_500)).toEqual({ due: 2_500, count: 3 });
    expect(timing.latest(1_000, 1_499)).toEqual({ due: undefined, count: 0 });
  });

  it('counts a hundred at the most, and knows the latest all the same', () => {
    expect(timing.latest(0, 1_000_400)).toEqual({ due: 1_000_000, count: 100 });
  });
});

describe('a cron expression', () => {
  it.each([
    // At 3 o'clock local time on both sides of the change to summer time.
    ['0 3 * * *', '2026-03-28T12:00:00Z', ['2026-03-29T01:00:00.000Z', '2026-03-30T01:00:00.000Z']],
    // 2:30 is not there on that day, or twice on the other.
    ['30 2 * * *', '2026-03-28T12:00:00Z', ['2026-03-29T01:00:00.000Z', '2026-03-30T00:30:00.000Z']],
    ['30 2 * * *', '2026-10-24T12:00:00Z', ['2026-10-25T00:30:00.000Z', '2026-10-26T01:30:00.000Z']],
  ])('%s is due by the clocks of its time zone, from %s', (expression, from, dues) => {
    const timing = new CronTiming(expression, 'Europe/Paris');

    const first = timing.next(Date.parse(from));

    expect([first, timing.next(first)].map(iso)).toEqual(dues);
  });

  it.each([
    ['* * * * * *', 7 * day, '2026-06-01T12:00:00.000Z'],
    ['* * * * *', 7 * day, '2026-06-01T12:00:00.000Z'],
    // Thousands of times within one hour, long ago.
    ['* * 3 * * *', 7 * day, '2026-06-01T03:59:59.000Z'],
    ['0 0 1 1 *', 200 * 365 * day, '2026-01-01T00:00:00.000Z'],
  ])('%s counts a hundred at the most, and knows the latest all the same', (expression, gap, due) => {
    const until = Date.parse('2026-06-01T12:00:00Z');

    const latest = new CronTiming(expression, 'UTC').latest(until - gap, until);

    expect({ count: latest.count, due: iso(latest.due) }).toEqual({ count: 100, due });
  });

  it('counts few exactly', () => {
    const until = Date.parse('2026-06-01T12:00:00Z');

    expect(new CronTiming('0 3 * * *', 'UTC').latest(until - 3 * day, until)).toEqual({
      due: Date.parse('2026-06-01T03:00:00Z'),
      count: 3,
    });
  });

  it('is refused where it never comes', () => {
    expect(() => new CronTiming('0 0 30 2 *', 'UTC')).toThrow('No execution date was found');
  });
});
