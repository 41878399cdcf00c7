import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Picture, plan, type WorkerRecord } from '../../src/cluster/supervision-plan.js';
import { type Happening, SimulatedCluster, type Witness, workerTimeoutMs } from '../support/simulated-cluster.js';

const runs = 500;

const pick = fc.nat(20);

const happening: fc.Arbitrary<Happening> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ type: fc.constant('ready'), pick }) },
  { weight: 4, arbitrary: fc.record({ type: fc.constant('leave'), pick, failed: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constantFrom('crash', 'silence', 'growth', 'restart'), pick }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('boot failure'), pick }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('scale'), workers: fc.nat(5) }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('reload') }) },
  { weight: 3, arbitrary: fc.record({ type: fc.constant('advance'), ms: fc.integer({ min: 1, max: 700 }) }) },
);

interface History {
  readonly workers: number;
  readonly reloadBatch: number;
  readonly happenings: readonly Happening[];
}

const history: fc.Arbitrary<History> = fc.record({
  workers: fc.integer({ min: 1, max: 5 }),
  reloadBatch: fc.constantFrom(1, 2, Infinity),
  happenings: fc.array(happening, { maxLength: 60, size: 'max' }),
});

describe('plan, whatever happens', () => {
  it('comes to one good worker in each wanted slot once nothing happens any more', () => {
    forAll((given) => {
      const cluster = live(given);

      cluster.settle();

      expect(cluster.all.map(({ record }) => record.state)).toEqual(Array(cluster.wanted).fill('ready'));
      expect(cluster.all.map(({ record }) => record.slot).toSorted((a, b) => a - b)).toEqual(slotsUpTo(cluster.wanted));
      expect(cluster.all.filter(({ record }) => cluster.goals.isOutdated(record))).toEqual([]);
      expect(plan(cluster.picture, cluster.limits, cluster.now)).toEqual([]);
    });
  });

  it('gives no step twice', () => {
    forAll((given) => {
      const before = new Set<string>();
      const twice: string[] = [];

      live(given, (steps, _picture, _now, unchanged) => {
        // A slot may get one worker after the other, but not without anything having happened.
        if (!unchanged) for (const step of before) if (step.startsWith('fork')) before.delete(step);
        for (const step of steps.map((each) => Object.values(each).join(' '))) {
          if (before.has(step)) twice.push(step);
          before.add(step);
        }
      });

      expect(twice).toEqual([]);
    });
  });

  it('kills nobody before its deadline, and terminates nobody who is heard of', () => {
    forAll((given) => {
      const tooEarly: unknown[] = [];

      live(given, (steps, { workers }, now) => {
        for (const step of steps) {
          const worker = workers.find(({ id }) => 'id' in step && id === step.id)!;
          if (step.action === 'kill' && now < worker.deadline) tooEarly.push(step);
          if (step.action === 'terminate' && now < worker.heardAt + workerTimeoutMs) tooEarly.push(step);
        }
      });

      expect(tooEarly).toEqual([]);
    });
  });

  it('drains no ready worker of a wanted slot that has no other ready one', () => {
    forAll((given) => {
      const emptied: number[] = [];

      live(given, (steps, { workers, wanted }) => {
        const drained = idsOf(steps, 'drain');
        for (const slot of slotsUpTo(wanted)) {
          const ready = workers.filter((worker) => worker.slot === slot && worker.state === 'ready');
          if (ready.length > 0 && ready.every(({ id }) => drained.includes(id))) emptied.push(slot);
        }
      });

      expect(emptied).toEqual([]);
    });
  });

  it('drains nothing of the old generation while a new worker of the batch is booting', () => {
    forAll((given) => {
      const unready: number[] = [];

      live({ ...given, reloadBatch: Infinity }, (steps, picture, now) => {
        if (!drainsOld(steps, picture)) return;
        const inBatch = picture.workers.filter(
          (worker) => isOld(worker, picture) && worker.state === 'ready' && now < worker.heardAt + workerTimeoutMs,
        );
        for (const { slot } of inBatch) {
          const news = picture.workers.filter((worker) => worker.slot === slot && !isOld(worker, picture));
          if (!news.some(({ state }) => state === 'ready')) unready.push(slot);
        }
      });

      expect(unready).toEqual([]);
    });
  });

  it('has the old workers of no more slots drained at a time than belong to a batch', () => {
    forAll((given) => {
      const leaving = new Set<number>();
      const tooMany: number[][] = [];

      live(given, (steps, picture) => {
        if (!drainsOld(steps, picture)) return;
        const drained = idsOf(steps, 'drain');
        const old = picture.workers.filter((worker) => isOld(worker, picture));
        for (const { id } of old) if (drained.includes(id)) leaving.add(id);
        const slots = new Set(old.filter(({ id, state }) => leaving.has(id) && state !== 'killed').map(toSlot));
        if (slots.size > given.reloadBatch) tooMany.push([...slots]);
      });

      expect(tooMany).toEqual([]);
    });
  });

  it('has one worker recycled at a time', () => {
    forAll(({ happenings, ...options }) => {
      const cluster = new SimulatedCluster(options);
      let most = 0;

      for (const each of happenings) {
        cluster.happen(each);
        most = Math.max(most, cluster.all.filter(({ recycled }) => recycled).length);
      }

      expect(most).toBeLessThanOrEqual(1);
    });
  });

  it('has nothing to do before the next deadline, and something then', () => {
    forAll(({ happenings, ...options }) => {
      const cluster = new SimulatedCluster(options);
      const wrong: unknown[] = [];

      for (const each of happenings) {
        cluster.happen(each);
        const { picture, limits, now, alarm } = cluster;
        if (alarm === Infinity) continue;
        const rests = plan(picture, limits, now + (alarm - now) * 0.99).length === 0;
        if (alarm <= now || !rests || plan(picture, limits, alarm).length === 0) wrong.push(picture);
      }

      expect(wrong).toEqual([]);
    });
  });
});

/** Prints the seed of a history that breaks the rule, and the shortest such history that it finds. */
function forAll(rule: (given: History) => void): void {
  fc.assert(fc.property(history, rule), { numRuns: runs });
}

function live({ happenings, ...options }: History, witness?: Witness): SimulatedCluster {
  const cluster = new SimulatedCluster({ ...options, ...(witness && { witness }) });
  for (const each of happenings) cluster.happen(each);
  return cluster;
}

function idsOf(steps: ReturnType<typeof plan>, action: string): number[] {
  return steps.flatMap((step) => ('id' in step && step.action === action ? [step.id] : []));
}

/** Whether it is in a wanted slot and not good enough for it any more. */
function isOld({ slot, generation }: WorkerRecord, { goals, wanted }: Picture): boolean {
  return slot <= wanted && generation < (goals.get(slot) ?? 0);
}

function drainsOld(steps: ReturnType<typeof plan>, picture: Picture): boolean {
  const drained = idsOf(steps, 'drain');
  return picture.workers.some((worker) => drained.includes(worker.id) && isOld(worker, picture));
}

function toSlot({ slot }: WorkerRecord): number {
  return slot;
}

function slotsUpTo(wanted: number): number[] {
  return Array.from({ length: wanted }, (_, index) => index + 1);
}
