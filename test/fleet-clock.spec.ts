import { describe, expect, it } from 'vitest';
import { FleetClock } from '../src/fleet-clock.js';

describe('the fleet’s clock', () => {
  it('begins with the wall clock, and ignores it from then on', () => {
    const { clock, pass, setWallClock } = start({ wallClock: 5_000 });
    expect(clock.now()).toBe(5_000);

    setWallClock(99_000);
    pass(10);

    expect(clock.now()).toBe(5_010);
  });

  it('has the lease server’s time after the first measurement, whatever the wall clock said', () => {
    const { clock, monotonic } = start({ wallClock: 5_000 });

    clock.measure(monotonic() - 4, monotonic(), 8_000);

    expect(clock.now()).toBe(8_002);
  });

  it('goes back to the lease server’s time too, as long as nobody has read it', () => {
    const { clock, monotonic } = start({ wallClock: 9_000 });

    clock.measure(monotonic(), monotonic(), 8_000);

    expect(clock.now()).toBe(8_000);
  });

  it('is slowed, never set back, where it is ahead', () => {
    const { clock, monotonic, pass } = start({ wallClock: 9_000 });
    expect(clock.now()).toBe(9_000);
    clock.measure(monotonic(), monotonic(), 8_000);
    expect(clock.now()).toBe(9_000);

    pass(1_000);
    expect(clock.now()).toBeCloseTo(9_950);
    for (let second = 0; second < 60; second++) {
      const passed = pass(1_000);
      clock.measure(monotonic(), monotonic(), 8_000 + passed);
    }

    expect(clock.now()).toBeCloseTo(8_000 + monotonic() - 1_000);
  });

  it('is hurried, not set forward, where the server’s clock jumps', () => {
    const { clock, monotonic, pass } = start({ wallClock: 5_000 });
    clock.measure(monotonic(), monotonic(), 5_000);
    for (let sample = 0; sample < 8; sample++) clock.measure(monotonic(), monotonic(), 8_000);

    pass(100);

    expect(clock.now()).toBeCloseTo(5_105);
  });

  it('trusts the measurement with the shortest round trip', () => {
    const { clock, monotonic, pass } = start({ wallClock: 5_000 });
    clock.measure(monotonic() - 2, monotonic(), 4_999);
    clock.measure(monotonic() - 800, monotonic(), 4_999);

    pass(1_000);

    expect(clock.now()).toBeCloseTo(6_000);
  });

  it('is not behind what another primary has reached, and does not wait for one that is behind', () => {
    const { clock, pass } = start({ wallClock: 5_000 });

    clock.reach(6_000);
    expect(clock.now()).toBe(6_000);
    clock.reach(5_500);
    pass(10);

    expect(clock.now()).toBe(6_010);
  });
});

function start({ wallClock }: { wallClock: number }) {
  let [wall, now] = [wallClock, 1_000];
  const monotonic = () => now;
  const clock = new FleetClock(monotonic, () => wall);
  /** Returns how much has passed since the start. */
  const pass = (ms: number): number => (now += ms) - 1_000;
  return { clock, monotonic, pass, setWallClock: (time: number) => (wall = time) };
}
