import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { readJson } from '../src/read-json.js';

const schema = z.object({ counter: z.int() });

describe('what is read of a message', () => {
  it('is what it says', () => {
    expect(readJson(schema, Buffer.from('{"counter":3}'), 13)).toEqual({ counter: 3 });
  });

  it.each([
    ['is too long', '{"counter":31}'],
    ['is no JSON', '{"counter":'],
    ['has another shape', '{"counter":"3"}'],
    ['is nothing', ''],
  ])('is nothing where it %s', (_, text) => {
    expect(readJson(schema, Buffer.from(text), 13)).toBeUndefined();
  });
});
