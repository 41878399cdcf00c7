import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { walkJson } from '../../src/adapter/json-walk.js';

const limits = { depth: 50, nodes: 1_000 };

describe('a walk through JSON', () => {
  it('passes whatever is within the limits, also where its texts look like lists', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 5 }), fc.string(), (value, text) => {
        const json = JSON.stringify({ value, text, signs: ['[[[', '"\\"{', ',,,,', '\\'] });
        expect(() => walkJson(Buffer.from(json), { depth: 50, nodes: 10_000 })).not.toThrow();
      }),
    );
  });

  it('does not count what is in texts', () => {
    const json = JSON.stringify({ text: '[{,:"\\'.repeat(10_000) });

    expect(() => walkJson(Buffer.from(json), limits)).not.toThrow();
  });

  it('allows values to lie in one another as deep as the limit, and no deeper', () => {
    expect(() => walkJson(nested(50), limits)).not.toThrow();
    expect(() => walkJson(nested(51), limits)).toThrow('deeper than 50');
  });

  it.each(['[]', '{}', '1', '""'])('allows only so many values of the form %s', (value) => {
    const list = (length: number): Buffer => Buffer.from(`[${Array(length).fill(value).join(',')}]`);

    expect(() => walkJson(list(400), limits)).not.toThrow();
    expect(() => walkJson(list(1_000), limits)).toThrow('more than 1000 values');
  });
});

function nested(depth: number): Buffer {
  return Buffer.from('['.repeat(depth) + ']'.repeat(depth));
}
