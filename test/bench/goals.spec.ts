import { describe, expect, it } from 'vitest';
import { rowsOf } from '../../bench/fanout/rows.js';
import { type Measure, sessionPlans } from '../../bench/fanout/plan.js';
import { ratiosOf } from '../../bench/support/comparison.js';
import { parseGoals, readGoals, shortfalls, verdict } from '../../bench/support/goals.js';

const goal = { bench: 'fanout', figure: 'cost', atMost: 0.5 };

describe('a goal', () => {
  it.each([
    [{ ...goal, atMost: 0.5 }, 0.5, []],
    [{ ...goal, atMost: 0.5 }, 0.6, ['fanout: cost: goal ≤ 0.5, measured 0.6']],
    [{ bench: 'fanout', figure: 'cost', atLeast: 5 }, 5, []],
    [{ bench: 'fanout', figure: 'cost', atLeast: 5 }, 4.9, ['fanout: cost: goal ≥ 5, measured 4.9']],
  ])('%j with the figure %d falls short as %j', (one, value, expected) => {
    expect(shortfalls([one], new Map([['fanout', { cost: value }]]))).toEqual(expected);
  });

  it('falls short where its figure was not measured', () => {
    const measured = new Map([['fanout', { 'another cost': 0.1 }]]);

    expect(shortfalls([goal, { ...goal, bench: 'routes' }], measured)).toEqual([
      'fanout: cost: goal ≤ 0.5, not measured',
      'routes: cost: goal ≤ 0.5, not measured',
    ]);
  });

  it('says in a table whether it is reached, each that a figure has', () => {
    const goals = [goal, { bench: 'fanout', figure: 'cost', atLeast: 0.3 }, { ...goal, figure: 'another cost' }];

    expect(verdict(goals, 'fanout', 'cost', 0.2)).toBe('≤ 0.5: reached, ≥ 0.3: missed');
  });
});

describe('the list of goals', () => {
  it.each([
    ['{', /^bench\/goals\.json is not JSON: /],
    ['{}', /^bench\/goals\.json is not a list of goals\.$/],
    [
      JSON.stringify([goal, { ...goal, atMost: '1' }]),
      /^The goal number 2 of bench\/goals\.json is not \{ bench, figure/,
    ],
    [JSON.stringify([{ ...goal, atLeast: 1 }]), /^The goal number 1 /],
    [JSON.stringify([{ bench: 'fanout', figure: 'cost' }]), /^The goal number 1 /],
  ])('is refused as %s', (text, sentence) => {
    expect(() => parseGoals(text)).toThrow(sentence);
  });

  it('names figures that the bench of fan-out measures', async () => {
    const measures = sessionPlans(100).flatMap((plan) => [...plan.measures, ...plan.withRooms]);
    const measured = Object.keys(ratiosOf(rowsOf(measures, samplesOf(measures))));
    const wanted = (await readGoals()).filter(({ bench }) => bench === 'fanout').map(({ figure }) => figure);

    expect(wanted).not.toEqual([]);
    expect(wanted.filter((figure) => !measured.includes(figure))).toEqual([]);
  });
});

function samplesOf(measures: readonly Measure[]) {
  const sample = {
    cpuPerMessage: 1,
    perSecond: 1,
    serverShare: 1,
    clientShare: 1,
    otherShare: 0,
    latencies: { 1: 1 },
  };
  return Object.fromEntries(
    measures.map(({ name, contestants }) => [name, Object.fromEntries(contestants.map((each) => [each, [sample]]))]),
  );
}
