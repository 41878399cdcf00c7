import { describe, expect, it } from 'vitest';
import { plan, type Step } from '../../src/cluster/supervision-plan.js';
import { drain, fork, ready, see, terminate, worker } from '../support/pictures.js';

/** Three slots, each of which is to have a worker of the second generation. */
const second = { wanted: 3, goals: { 1: 2, 2: 2, 3: 2 } };
const old = [ready(1), ready(2), ready(3)];
const booting = (id: number, slot: number) => worker(id, { slot, generation: 2, state: 'booting' });
const replaced = (id: number, slot: number) => ready(id, { slot, generation: 2 });
const draining = (id: number, slot: number) => worker(id, { slot, state: 'draining' });

interface Case {
  readonly title: string;
  readonly batch: number;
  readonly picture: ReturnType<typeof see>;
  readonly now?: number;
  readonly steps: readonly Step[];
}

const atOnce: readonly Case[] = [
  {
    title: 'forks the whole new generation beside the old one',
    batch: Infinity,
    picture: see(second, ...old),
    steps: [fork(1), fork(2), fork(3)],
  },
  {
    title: 'waits until the last new worker is ready',
    batch: Infinity,
    picture: see(second, ...old, replaced(4, 1), replaced(5, 2), booting(6, 3)),
    steps: [],
  },
  {
    title: 'drains the old generation when the whole new one is ready',
    batch: Infinity,
    picture: see(second, ...old, replaced(4, 1), replaced(5, 2), replaced(6, 3)),
    steps: [drain(1), drain(2), drain(3)],
  },
  {
    title: 'forks a new worker again that has gone, and goes on waiting',
    batch: Infinity,
    picture: see(second, ...old, replaced(4, 1), replaced(5, 2)),
    steps: [fork(3)],
  },
  {
    title: 'gives a slot whose old worker has died a new one, and waits for the others',
    batch: Infinity,
    picture: see(second, ready(1), ready(2), replaced(4, 1), booting(5, 2)),
    steps: [fork(3)],
  },
  {
    title: 'leaves the slots alone that it is not about',
    batch: Infinity,
    picture: see({ wanted: 3, goals: { 2: 2 } }, ...old),
    steps: [fork(2)],
  },
  {
    title: 'drains what is not wanted any more without waiting',
    batch: Infinity,
    picture: see({ ...second, wanted: 1 }, ...old, booting(4, 1)),
    steps: [drain(2), drain(3)],
  },
  {
    title: 'drains an old worker that is still booting when its replacement is ready',
    batch: Infinity,
    picture: see({ wanted: 1, goals: { 1: 2 } }, worker(1, { state: 'booting' }), replaced(2, 1)),
    steps: [drain(1)],
  },
  {
    title: 'does not wait for the replacement of a worker that hangs',
    batch: Infinity,
    picture: see(
      second,
      ready(1),
      ready(2, { heardAt: 1_000 }),
      ready(3, { heardAt: 1_000 }),
      ready(4, { slot: 1, generation: 2, heardAt: 1_000 }),
      ready(5, { slot: 2, generation: 2, heardAt: 1_000 }),
      ready(6, { slot: 3, generation: 2, heardAt: 1_000 }),
    ),
    now: 1_000,
    steps: [terminate(1), drain(2), drain(3)],
  },
];

const inBatches: readonly Case[] = [
  { title: 'begins with the first slots', batch: 2, picture: see(second, ...old), steps: [fork(1), fork(2)] },
  {
    title: 'waits for the whole batch',
    batch: 2,
    picture: see(second, ...old, replaced(4, 1), booting(5, 2)),
    steps: [],
  },
  {
    title: 'drains what the batch has replaced, and begins nothing new with it',
    batch: 2,
    picture: see(second, ...old, replaced(4, 1), replaced(5, 2)),
    steps: [drain(1), drain(2)],
  },
  {
    title: 'counts those that drain against the batch, for they take memory',
    batch: 2,
    picture: see(second, draining(1, 1), draining(2, 2), ready(3), replaced(4, 1), replaced(5, 2)),
    steps: [],
  },
  {
    title: 'goes on with the next slot as soon as one has drained',
    batch: 2,
    picture: see(second, draining(2, 2), ready(3), replaced(4, 1), replaced(5, 2)),
    steps: [fork(3)],
  },
  {
    title: 'counts those that drain in later slots as well, and goes on with these',
    batch: 1,
    picture: see(second, ready(1), draining(2, 2), ready(3), ready(4, { slot: 2 })),
    steps: [fork(2)],
  },
  {
    title: 'does not count those that drain for another reason',
    batch: 1,
    picture: see({ wanted: 2, goals: { 1: 2 } }, ready(1), draining(2, 2), ready(3, { slot: 2 })),
    steps: [fork(1)],
  },
];

/** The goals are lowered: what was to be replaced is good enough again. */
const given: readonly Case[] = [
  {
    title: 'drains the new workers that boot or are ready, and keeps the old ones',
    batch: Infinity,
    picture: see({ wanted: 3, goals: { 1: 1, 2: 1, 3: 1 } }, ...old, replaced(4, 1), booting(5, 2)),
    steps: [drain(4), drain(5)],
  },
  {
    title: 'keeps the new worker of a slot whose old one has gone',
    batch: Infinity,
    picture: see({ wanted: 2, goals: { 1: 1, 2: 2 } }, ready(1), replaced(4, 1), replaced(5, 2)),
    steps: [drain(4)],
  },
  {
    title: 'keeps the batches that were replaced before',
    batch: 1,
    picture: see({ wanted: 3, goals: { 1: 2, 2: 1, 3: 1 } }, ready(2), ready(3), replaced(4, 1), booting(5, 2)),
    steps: [drain(5)],
  },
];

describe('a phased restart', () => {
  describe('in one batch', () => {
    check(atOnce);
  });
  describe('in batches', () => {
    check(inBatches);
  });
  describe('that is given up', () => {
    check(given);
  });
});

function check(cases: readonly Case[]): void {
  it.each(cases)('$title', ({ picture, batch, now = 0, steps }) => {
    expect(plan(picture, { workerTimeoutMs: 1_000, reloadBatch: batch }, now)).toEqual(steps);
  });
}
