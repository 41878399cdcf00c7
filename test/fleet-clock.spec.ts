import { describe, expect, it } from 'vitest';
import { FleetClock } from '../src/fleet-clock.js';

describe('the fleet’s clock', () => {
  it('is not known before the lease server or another primary has said what it is', async () => {
    const { clock, monotonic, pass } = start();
    expect(clock.isKnown).toBe(false);
    expect(() => clock.now()).toThrow('not known yet');

    clock.measure(monotonic() - 4, monotonic(), 8_000);
    await clock.known;
    pass(10);

    expect(clock.isKnown).toBe(true);
    expect([clock.now(), clock.measured()]).toEqual([8_012, 8_012]);
  });

  it('is slowed, never set back, where the lease server’s clock is', () => {
    const { clock, monotonic, pass } = start();
    clock.measure(monotonic(), monotonic(), 9_000);
    clock.measure(monotonic(), monotonic(), 8_000);
    expect([clock.now(), clock.measured()]).toEqual([9_000, 8_000]);

    pass(1_000);
    expect(clock.now()).toBeCloseTo(9_950);
    for (let second = 0; second < 60; second++) {
      const passed = pass(1_000);
      clock.measure(monotonic(), monotonic(), 8_000 + passed);
    }

    expect(clock.now()).toBeCloseTo(8_000 + monotonic() - 1_000);
  });

  it('never goes back by itself', () => {
    const { clock, monotonic, pass } = start();
    clock.measure(monotonic(), monotonic(), 9_000);
    pass(0.5);
    const before = clock.now();

    clock.measure(monotonic() - 400, monotonic(), 2_000);

    expect(clock.now()).toBeGreaterThanOrEqual(before);
  });

  it('is hurried, not set forward, where it is seconds behind', () => {
    const { clock, monotonic, pass } = start();
    clock.measure(monotonic(), monotonic(), 5_000);
    clock.measure(monotonic(), monotonic(), 8_000);

    pass(100);

    expect(clock.now()).toBeCloseTo(5_105);
    expect(clock.measured()).toBe(8_100);
  });

  it('is set forward where it is further behind, as after a suspended machine', () => {
    const { clock, monotonic } = start();
    clock.measure(monotonic(), monotonic(), 5_000);

    clock.measure(monotonic(), monotonic(), 3_605_000);

    expect(clock.now()).toBe(3_605_000);
  });

  it('trusts the measurement with the shortest round trip', () => {
    const { clock, monotonic, pass } = start();
    clock.measure(monotonic() - 2, monotonic(), 4_999);
    clock.measure(monotonic() - 800, monotonic(), 4_999);

    pass(1_000);

    expect(clock.now()).toBeCloseTo(6_000);
  });

  it('is not behind what another primary has reached, and does not wait for one that is behind', () => {
    const { clock, monotonic, pass } = start();
    clock.measure(monotonic(), monotonic(), 5_000);

    expect(clock.reach(6_000)).toBe(true);
    expect([clock.now(), clock.measured()]).toEqual([6_000, 5_000]);
    expect(clock.reach(5_500)).toBe(true);
    pass(10);

    expect(clock.now()).toBeGreaterThan(6_009);
  });

  it('does not believe who says to be days ahead', () => {
    const { clock, monotonic } = start();
    clock.measure(monotonic(), monotonic(), 5_000);

    expect(clock.reach(5_000 + 2 * 86_400_000)).toBe(false);
    expect(clock.reach(Number.MAX_SAFE_INTEGER)).toBe(false);

    expect(clock.now()).toBe(5_000);
  });

  it('is what another primary has reached, until the lease server answers', () => {
    const { clock, monotonic } = start();

    clock.reach(6_000);
    expect([clock.now(), clock.measured()]).toEqual([6_000, 6_000]);

    clock.measure(monotonic(), monotonic(), 5_000);
    expect([clock.now(), clock.measured()]).toEqual([6_000, 5_000]);
  });
});

function start() {
  let now = 1_000;
  const monotonic = () => now;
  const clock = new FleetClock(monotonic);
  /** Returns how much has passed since the start. */
  const pass = (ms: number): number => (now += ms) - 1_000;
  return { clock, monotonic, pass };
}
