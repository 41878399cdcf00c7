import { describe, expect, it } from 'vitest';
import { type Limits, nextDeadline, plan, type Step } from '../../src/cluster/supervision-plan.js';
import { drain, fork, kill, ready, see, terminate, worker } from '../support/pictures.js';

const limits: Limits = { workerTimeoutMs: 1_000, reloadBatch: Infinity };

interface Case {
  readonly title: string;
  readonly picture: ReturnType<typeof see>;
  readonly now?: number;
  readonly steps: readonly Step[];
}

const counting: readonly Case[] = [
  { title: 'forks one worker for each slot at the start', picture: see({ wanted: 2 }), steps: [fork(1), fork(2)] },
  { title: 'has nothing to do when all are there', picture: see({ wanted: 2 }, ready(1), ready(2)), steps: [] },
  {
    title: 'waits for those that are booting',
    picture: see({ wanted: 2 }, ready(1), worker(2, { state: 'booting' })),
    steps: [],
  },
  {
    title: 'forks into the slot that is empty',
    picture: see({ wanted: 3 }, ready(1), ready(3)),
    steps: [fork(2)],
  },
  {
    title: 'replaces a draining worker before it has gone',
    picture: see({ wanted: 1 }, worker(1, { state: 'draining' })),
    steps: [fork(1)],
  },
  { title: 'does not count who has gone', picture: see({ wanted: 1 }, worker(1, { state: 'gone' })), steps: [fork(1)] },
  {
    title: 'drains the highest slots when fewer are wanted, whatever they do',
    picture: see({ wanted: 1 }, ready(1), worker(2, { state: 'booting' }), ready(3)),
    steps: [drain(2), drain(3)],
  },
  {
    title: 'drains all when none is wanted',
    picture: see({ wanted: 0 }, ready(1), worker(2, { state: 'booting' })),
    steps: [drain(1), drain(2)],
  },
  {
    title: 'drains nobody twice',
    picture: see({ wanted: 0 }, worker(1, { state: 'draining' }), worker(2, { state: 'killed' })),
    steps: [],
  },
];

const crowded: readonly Case[] = [
  {
    title: 'drains the younger of two ready workers of a slot',
    picture: see({ wanted: 1 }, ready(7, { slot: 1, generation: 2 }), ready(3, { slot: 1 })),
    steps: [drain(7)],
  },
  {
    title: 'drains the one with the higher number where both are of one generation',
    picture: see({ wanted: 1 }, ready(3, { slot: 1 }), ready(2, { slot: 1 })),
    steps: [drain(3)],
  },
  {
    title: 'drains the one that still boots, even if it is the older',
    picture: see({ wanted: 1 }, worker(1, { state: 'booting' }), ready(2, { slot: 1, generation: 2 })),
    steps: [drain(1)],
  },
  {
    title: 'keeps one of three',
    picture: see({ wanted: 1 }, ready(1), ready(2, { slot: 1 }), ready(3, { slot: 1 })),
    steps: [drain(2), drain(3)],
  },
];

const hanging: readonly Case[] = [
  { title: 'leaves alone who was heard of in time', picture: see({ wanted: 1 }, ready(1)), now: 999, steps: [] },
  {
    title: 'terminates a ready worker that is silent, and forks another at once',
    picture: see({ wanted: 1 }, ready(1)),
    now: 1_000,
    steps: [terminate(1), fork(1)],
  },
  {
    title: 'does not drain a silent worker that is not wanted any more, but terminates it',
    picture: see({ wanted: 0 }, ready(1)),
    now: 1_000,
    steps: [terminate(1)],
  },
  {
    title: 'expects nothing of who is booting or draining but its deadline',
    picture: see({ wanted: 1 }, worker(1, { state: 'booting' }), worker(2, { slot: 1, state: 'draining' })),
    now: 5_000,
    steps: [],
  },
  {
    title: 'kills who has not drained in time',
    picture: see({ wanted: 0 }, worker(1, { state: 'draining', deadline: 500 })),
    now: 500,
    steps: [kill(1)],
  },
  {
    title: 'kills nobody a moment before',
    picture: see({ wanted: 0 }, worker(1, { state: 'draining', deadline: 500 })),
    now: 499,
    steps: [],
  },
  {
    title: 'kills nobody twice',
    picture: see({ wanted: 0 }, worker(1, { state: 'killed' })),
    now: 1e9,
    steps: [],
  },
  {
    title: 'kills who does not become ready in time, and forks nothing until it is known how that ended',
    picture: see({ wanted: 1 }, worker(1, { state: 'booting', deadline: 500 })),
    now: 500,
    steps: [kill(1)],
  },
  {
    title: 'forks nothing beside a worker that was killed, until it has gone',
    picture: see({ wanted: 1 }, worker(1, { state: 'killed' })),
    steps: [],
  },
];

const failing: readonly Case[] = [
  {
    title: 'leaves a slot empty for its pause, and fills the others',
    picture: see({ wanted: 2, pauses: { 1: 200 } }),
    now: 199,
    steps: [fork(2)],
  },
  {
    title: 'forks when the pause is over',
    picture: see({ wanted: 1, pauses: { 1: 200 } }),
    now: 200,
    steps: [fork(1)],
  },
  {
    title: 'leaves the slot of a failed worker empty while the budget is spent',
    picture: see({ wanted: 1, pauses: { 1: 200 }, budgetSpentUntil: 900 }),
    now: 899,
    steps: [],
  },
  {
    title: 'forks when the budget has grown again',
    picture: see({ wanted: 1, pauses: { 1: 200 }, budgetSpentUntil: 900 }),
    now: 900,
    steps: [fork(1)],
  },
  {
    title: 'fills a slot in which nothing has failed whatever the budget',
    picture: see({ wanted: 2, budgetSpentUntil: 900 }, ready(1)),
    steps: [fork(2)],
  },
  {
    title: 'drains and kills whatever the budget',
    picture: see(
      { wanted: 1, pauses: { 1: 200 }, budgetSpentUntil: 900 },
      worker(1, { state: 'draining', deadline: 10 }),
      ready(2),
    ),
    now: 10,
    steps: [kill(1), drain(2)],
  },
];

describe('plan', () => {
  describe('with what is wanted', () => {
    check(counting);
  });
  describe('with more than one worker in a slot', () => {
    check(crowded);
  });
  describe('with workers that hang', () => {
    check(hanging);
  });
  describe('with workers that fail', () => {
    check(failing);
  });

  it('decides and never acts: the same picture gives the same steps', () => {
    const picture = see({ wanted: 3, goals: { 1: 2 } }, ready(1), ready(4));
    const before = structuredClone(picture);

    expect(plan(picture, limits, 0)).toEqual(plan(picture, limits, 0));
    expect(picture).toEqual(before);
  });
});

describe('the next deadline', () => {
  it.each([
    { title: 'is never where nobody is', picture: see({ wanted: 0 }), at: Infinity },
    { title: 'is when a ready worker has been silent for too long', picture: see({ wanted: 1 }, ready(1)), at: 1_000 },
    {
      title: 'is the first of all',
      picture: see({ wanted: 3 }, ready(1), worker(2, { state: 'booting', deadline: 70 }), ready(3, { heardAt: 20 })),
      at: 70,
    },
    { title: 'is the end of a pause', picture: see({ wanted: 1, pauses: { 1: 200 } }), at: 200 },
    {
      title: 'is when the budget has grown again',
      picture: see({ wanted: 1, pauses: { 1: 200 }, budgetSpentUntil: 900 }),
      at: 900,
    },
    {
      title: 'is not the end of a pause in a slot that is filled',
      picture: see({ wanted: 1, pauses: { 1: 200 } }, ready(1)),
      at: 1_000,
    },
    { title: 'is never for who was killed', picture: see({ wanted: 0 }, worker(1, { state: 'killed' })), at: Infinity },
    {
      title: 'is never for those that drain as long as they like',
      picture: see({ wanted: 0 }, worker(1, { state: 'draining' })),
      at: Infinity,
    },
  ])('$title', ({ picture, at }) => {
    expect(nextDeadline(picture, limits)).toBe(at);
  });
});

function check(cases: readonly Case[]): void {
  it.each(cases)('$title', ({ picture, now = 0, steps }) => {
    expect(plan(picture, limits, now)).toEqual(steps);
  });
}
