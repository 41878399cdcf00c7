import { describe, expect, it } from 'vitest';
import { parseCores } from '../../bench/support/cores.js';

describe('the kernel’s list of cores', () => {
  it.each([
    ['0-1', ['0', '1']],
    ['3', ['3']],
    ['0-2,5,8-9', ['0', '1', '2', '5', '8', '9']],
  ])('%s names %j', (list, cores) => {
    expect(parseCores(list)).toEqual(cores);
  });
});
