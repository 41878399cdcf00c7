import * as fc from 'fast-check';
import { decode, encode } from 'notepack.io';
import { describe, expect, it } from 'vitest';
import { walkMsgpack } from '../src/msgpack-walk.js';

const limits = { depth: 100, nodes: 10_000 };

/** Whatever a message may hold, the longer forms of lengths included. */
const values = fc.anything({
  withDate: true,
  withNullPrototype: false,
  maxDepth: 5,
  values: [
    fc.boolean(),
    fc.integer(),
    fc.bigInt({ min: 0n, max: 2n ** 53n }).map(Number),
    fc.double(),
    fc.string({ maxLength: 300 }),
    fc.constant('x'.repeat(70_000)),
    fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
    fc.constantFrom(null, undefined, Buffer.alloc(70_000), new ArrayBuffer(3)),
  ],
});

describe('a walk through msgpack', () => {
  it('passes whatever the encoder makes', () => {
    fc.assert(
      fc.property(values, (value) => {
        expect(passes(encode(value))).toBe(true);
      }),
    );
  });

  it('passes nothing that the decoder would not take to its end', () => {
    const bytes = fc.oneof(
      fc.uint8Array({ minLength: 1, maxLength: 60 }),
      fc.tuple(values, fc.nat(), fc.nat(255)).map(([value, place, byte]) => {
        const changed = Buffer.from(encode(value));
        changed[place % changed.length] = byte;
        return changed;
      }),
    );
    fc.assert(
      fc.property(bytes, (message) => {
        const copy = Buffer.from(message);
        expect(passes(copy) && !decodes(copy)).toBe(false);
      }),
      { numRuns: 20_000 },
    );
  });

  it.each([
    ['33 million values of a list', 'dd01ffffff'],
    ['as many of a map', 'df01ffffff'],
    ['65,535 values of a list', 'dcffff'],
    ['65,535 of a map', 'deffff'],
    ['15 values of a short list', '9f'],
    ['one value of a short map', '81a161'],
    ['4 GB of text', 'dbffffffff'],
    ['4 GB of bytes', 'c6ffffffff'],
    ['4 GB of an extension', 'c9ffffffff00'],
    ['31 bytes of a short text', 'bf61'],
    ['a number that is cut', 'cb0000'],
    ['a length that is cut', 'da01'],
    ['nothing', ''],
  ])('refuses what announces %s and does not have it', (_, hex) => {
    expect(() => walkMsgpack(Buffer.from(hex, 'hex'), limits)).toThrow(/^it (announces more|ends too early)/);
  });

  it.each([
    ['a type that there is not', 'c1'],
    ['bytes behind its end', 'c0c0'],
    ['a map for the name of a value', '8180c0'],
    ['a list for the name of a value', '8190c0'],
    ['an extension for the name of a value', '81d40001c0'],
    ['a time of another length than times have', `c70bff${'00'.repeat(11)}`],
  ])('refuses %s', (_, hex) => {
    expect(() => walkMsgpack(Buffer.from(hex, 'hex'), limits)).toThrow(TypeError);
  });

  it.each([
    ['lists', '91', 'c0'],
    ['maps', '81a161', 'c0'],
  ])('allows %s to lie in one another as deep as the limit, and no deeper', (_, open, end) => {
    const depths = (depth: number): Buffer => Buffer.from(open.repeat(depth) + end, 'hex');

    expect(() => walkMsgpack(depths(100), limits)).not.toThrow();
    expect(() => walkMsgpack(depths(101), limits)).toThrow('deeper than 100');
  });

  it('allows as many values as the limit, and no more', () => {
    expect(() => walkMsgpack(encode(Array(9_999).fill(1)), limits)).not.toThrow();
    expect(() => walkMsgpack(encode(Array(10_000).fill(1)), limits)).toThrow('more than 10000 values');
    expect(() => walkMsgpack(encode(Array(10).fill(Array(1_000).fill(1))), limits)).toThrow('more than 10000 values');
  });

  it('is not misled by what an earlier walk has left behind', () => {
    expect(passes(Buffer.from('8181', 'hex'))).toBe(false);
    expect(passes(encode([[1, { a: [2] }], 3]))).toBe(true);
  });
});

function passes(message: Buffer): boolean {
  return succeeds(() => walkMsgpack(message, limits));
}

function decodes(message: Buffer): boolean {
  return succeeds(() => decode(message));
}

function succeeds(attempt: () => unknown): boolean {
  try {
    attempt();
    return true;
  } catch {
    return false;
  }
}
