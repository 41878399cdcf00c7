import { describe, expect, it } from 'vitest';
import { WakingClock } from '../../src/delivery/waking-clock.js';

const intervalMs = 100;

/** A clock that has begun at zero, and what sets the time. */
function begun() {
  let time = 0;
  const clock = new WakingClock(() => time);
  clock.begin();
  return { clock, at: (now: number) => (time = now) };
}

describe('the time in which the process was running', () => {
  it('passes as time does while it ticks, also a little late', () => {
    const { clock, at } = begun();

    for (const time of [100, 210, 400]) {
      at(time);
      clock.tick(intervalMs);

      expect(clock.now()).toBe(time);
    }
  });

  it('has not passed while nothing ran, but for one interval', () => {
    const { clock, at } = begun();
    at(100);
    clock.tick(intervalMs);

    at(5_100);
    clock.tick(intervalMs);

    expect(clock.now()).toBe(200);
    at(5_150);
    expect(clock.now()).toBe(250);
  });

  it('passes while nobody ticks because there is nothing to look at', () => {
    const { clock, at } = begun();
    at(5_000);
    clock.begin();

    at(5_100);
    clock.tick(intervalMs);

    expect(clock.now()).toBe(5_100);
  });
});
