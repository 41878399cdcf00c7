import { describe, expect, it } from 'vitest';
import { readNumbered, writeNumbered } from '../../../bench/chaos/numbered.js';

describe('a numbered text', () => {
  it.each(['', 'xxx', '|7|'])('is read as it was written, filled with "%s"', (filling) => {
    expect(readNumbered(writeNumbered('c1.2', 37, filling))).toEqual({ stream: 'c1.2', number: 37 });
  });

  it.each([undefined, 7, '', 'hello', 'c1|', 'c1|x|', 'c1|1e3|', 'c1|-1|'])('is not %j', (text) => {
    expect(readNumbered(text)).toBeUndefined();
  });
});
