import { describe, expect, it } from 'vitest';
import { poisonOf } from '../../../bench/chaos/poison.js';
import { Random } from '../../support/random.js';

describe('poison', () => {
  it('is the same for the same seed', () => {
    expect(draw(7, 100)).toEqual(draw(7, 100));
    expect(draw(7, 100)).not.toEqual(draw(8, 100));
  });

  it('names the lengths that no message has, requests that raise the server’s own events, and much that is broken', () => {
    const drawn = draw(1, 5_000);
    const has = (start: string): boolean => drawn.some((text) => text.startsWith(start));

    expect(has('\xdd\x01\xff\xff\xff')).toBe(true);
    expect(has('\x91\x91\x91\x91')).toBe(true);
    expect(has('{"uid":"x","type":6,"data":["connection",null]}')).toBe(true);
    expect(new Set(drawn).size).toBeGreaterThan(2_500);
  });

  it('stays below what a channel can bear', () => {
    expect(Math.max(...draw(2, 5_000).map(({ length }) => length))).toBeLessThan(256 * 1024);
  });

  it('leaves what it breaks as it was, so that a seed does not depend on what came before', () => {
    const before = draw(3, 50);
    draw(4, 1_000);

    expect(draw(3, 50)).toEqual(before);
  });
});

/** One character a byte, which compares faster than a buffer does. */
function draw(seed: number, count: number): string[] {
  const random = new Random(seed);
  return Array.from({ length: count }, () => poisonOf(random).toString('latin1'));
}
