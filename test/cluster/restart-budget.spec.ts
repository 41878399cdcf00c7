import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  afterFailure,
  budgetSpentUntil,
  type FailureHistory,
  noFailures,
  type RestartLimits,
  restartPauseMs,
} from '../../src/cluster/restart-budget.js';

const limits: RestartLimits = {
  restarts: 3,
  windowMs: 1_000,
  healthyMs: 500,
  firstPauseMs: 100,
  longestPauseMs: 1_000,
};

/** Failures of slot 1, which never was ready, at these times. */
const failuresAt = (times: readonly number[], of: RestartLimits = limits): FailureHistory =>
  times.reduce((history, now) => afterFailure(history, 1, 0, of, now), noFailures);

describe('the restart budget', () => {
  it('is not spent while nothing fails', () => {
    expect(budgetSpentUntil(noFailures, limits)).toBe(-Infinity);
  });

  it.each([
    { restarts: 3, times: [0, 10, 20], until: -Infinity },
    { restarts: 3, times: [0, 10, 20, 30], until: 1_000 },
    { restarts: 3, times: [0, 10, 20, 30, 40], until: 1_010 },
    { restarts: 3, times: [0, 10, 20, 1_000], until: -Infinity },
    { restarts: 3, times: [0, 10, 20, 999], until: 1_000 },
    { restarts: 1, times: [0, 600, 1_200], until: 1_600 },
    { restarts: 0, times: [70], until: 1_070 },
  ])('of $restarts is spent until $until after failures at $times', ({ restarts, times, until }) => {
    const of = { ...limits, restarts };

    expect(budgetSpentUntil(failuresAt(times, of), of)).toBe(until);
  });

  it('is one for all slots', () => {
    const history = [1, 2, 3, 4].reduce((before, slot) => afterFailure(before, slot, 0, limits, slot), noFailures);

    expect(budgetSpentUntil(history, limits)).toBe(1_001);
  });

  it('remembers no more failures than it needs', () => {
    const history = failuresAt(Array.from({ length: 500 }, (_, index) => index));

    expect(history.failures).toEqual([496, 497, 498, 499]);
  });

  it('is spent exactly while more failures than it forgives lie within the window', () => {
    const gaps = fc.array(fc.nat(600), { minLength: 1, maxLength: 30 });
    fc.assert(
      fc.property(gaps, fc.nat(5), fc.nat(3_000), (between, restarts, later) => {
        let at = 0;
        const times = between.map((gap) => (at += gap));
        const now = at + later;
        const of = { ...limits, restarts };
        const within = times.filter((time) => time > now - of.windowMs).length;

        expect(now < budgetSpentUntil(failuresAt(times, of), of)).toBe(within > restarts);
      }),
    );
  });

  it('leaves a history as it was when it adds to it', () => {
    const history = failuresAt([0, 10]);
    const before = structuredClone(history);

    afterFailure(history, 2, 0, limits, 20);

    expect(history).toEqual(before);
  });
});

describe('failures in a row', () => {
  it('are counted for each slot', () => {
    const history = [1, 2, 1, 1].reduce((before, slot) => afterFailure(before, slot, 0, limits, 0), noFailures);

    expect([...history.inARow]).toEqual([
      [1, 3],
      [2, 1],
    ]);
  });

  it.each([
    { readyForMs: 0, inARow: 3 },
    { readyForMs: 499, inARow: 3 },
    { readyForMs: 500, inARow: 1 },
    { readyForMs: 60_000, inARow: 1 },
  ])('are $inARow when the third comes after $readyForMs ms as ready', ({ readyForMs, inARow }) => {
    expect(afterFailure(failuresAt([0, 0]), 1, readyForMs, limits, 0).inARow.get(1)).toBe(inARow);
  });
});

describe('the pause before a restart', () => {
  it.each([
    [0, 0, 0],
    [1, 0, 0],
    [2, 50, 100],
    [3, 100, 200],
    [4, 200, 400],
    [5, 400, 800],
    [6, 500, 1_000],
    [7, 500, 1_000],
    [10_000, 500, 1_000],
  ])('after %i failures in a row is from %i to %i ms, as chance has it', (inARow, least, most) => {
    expect(restartPauseMs(inARow, limits, 0)).toBe(least);
    expect(restartPauseMs(inARow, limits, 1)).toBe(most);
    expect(restartPauseMs(inARow, limits, 0.5)).toBe((least + most) / 2);
  });

  it('is never longer than the longest, nor negative', () => {
    fc.assert(
      fc.property(fc.nat(), fc.double({ min: 0, max: 1, noNaN: true }), (inARow, random) => {
        const pauseMs = restartPauseMs(inARow, limits, random);

        expect(pauseMs).toBeGreaterThanOrEqual(0);
        expect(pauseMs).toBeLessThanOrEqual(limits.longestPauseMs);
        expect(Number.isInteger(pauseMs)).toBe(true);
      }),
    );
  });
});
