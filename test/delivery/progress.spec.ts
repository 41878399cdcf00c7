import { describe, expect, it } from 'vitest';
import { Progress } from '../../src/delivery/progress.js';

describe('bytes that are taken in order', () => {
  it('wait since they were first seen to', () => {
    const progress = new Progress();

    expect(progress.since(10, 100, 100)).toBe(10);
    expect(progress.since(20, 100, 50)).toBe(10);
  });

  it('wait no longer once they are taken', () => {
    const progress = new Progress();

    progress.since(10, 100, 100);

    expect(progress.since(20, 100, 0)).toBeUndefined();
    expect(progress.since(30, 150, 50)).toBe(30);
  });

  it('are told apart from those that came later, though as many wait all the time', () => {
    const progress = new Progress();

    progress.since(10, 100, 100);
    progress.since(20, 200, 150);

    expect(progress.since(30, 250, 150)).toBe(20);
    expect(progress.since(40, 350, 150)).toBe(30);
  });

  it('wait as long as the first of them, although most go by', () => {
    const progress = new Progress();

    progress.since(10, 1_000, 1_000);

    for (let at = 20; at < 100; at += 10) expect(progress.since(at, 1_000 + at, at + 1)).toBe(10);
  });
});
