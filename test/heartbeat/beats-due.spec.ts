import { describe, expect, it } from 'vitest';
import { beatsDue } from '../../src/heartbeat/beats-due.js';

describe('the beats due at a tick', () => {
  it('are the leader’s own, one at each', () => {
    expect(beatsDue(8, 7, true)).toEqual([8]);
  });

  it('are two at the first tick of a new leader, where the one before was not given', () => {
    expect(beatsDue(8, 6, true)).toEqual([7, 8]);
  });

  it('are no more than two after a stall: what is long past is not news', () => {
    expect(beatsDue(80, 6, true)).toEqual([79, 80]);
  });

  it('are none that were given already', () => {
    expect(beatsDue(8, 8, true)).toEqual([]);
    expect(beatsDue(8, 9, true)).toEqual([]);
  });

  it('are none of a primary that follows, while the fleet gives them', () => {
    expect(beatsDue(8, 7, false)).toEqual([]);
  });

  it('are the one before, of a primary that follows, where the fleet was silent', () => {
    expect(beatsDue(8, 6, false)).toEqual([7]);
  });
});
