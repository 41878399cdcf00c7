import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { faultKinds, lengthOf, type ScheduledFault, scheduleOf } from '../../../bench/chaos/schedule.js';

const minuteMs = 60_000;
const anySeed = fc.integer({ min: 0, max: 2 ** 31 - 1 });

describe('the schedule of faults', () => {
  it('is the same for the same seed, and another for another', () => {
    expect(scheduleOf(1, minuteMs)).toEqual(scheduleOf(1, minuteMs));
    expect(scheduleOf(1, minuteMs)).not.toEqual(scheduleOf(2, minuteMs));
  });

  it('has every kind of fault within a minute', () => {
    fc.assert(
      fc.property(anySeed, (seed) => {
        expect(new Set(kindsOf(scheduleOf(seed, minuteMs)))).toEqual(new Set(faultKinds));
      }),
    );
  });

  it('goes on as it began when it lasts longer', () => {
    const short = scheduleOf(3, minuteMs);

    expect(scheduleOf(3, 10 * minuteMs).slice(0, short.length)).toEqual(short);
  });

  it('never breaks Redis again before it has had time to recover', () => {
    fc.assert(
      fc.property(anySeed, (seed) => {
        const ofRedis = scheduleOf(seed, 5 * minuteMs).filter(({ fault }) => fault.kind.startsWith('Redis'));
        for (const [index, { atMs }] of ofRedis.slice(1).entries())
          expect(atMs - endOf(ofRedis[index]!)).toBeGreaterThanOrEqual(4_000);
      }),
    );
  });

  it('leaves the first two and the last six seconds in peace', () => {
    fc.assert(
      fc.property(anySeed, (seed) => {
        for (const scheduled of scheduleOf(seed, minuteMs)) {
          expect(scheduled.atMs).toBeGreaterThanOrEqual(2_000);
          expect(endOf(scheduled)).toBeLessThanOrEqual(minuteMs - 6_000);
        }
      }),
    );
  });
});

function kindsOf(schedule: readonly ScheduledFault[]) {
  return schedule.map(({ fault }) => fault.kind);
}

function endOf({ atMs, fault }: ScheduledFault): number {
  return atMs + lengthOf(fault);
}
