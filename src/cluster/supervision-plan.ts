import type { WorkerState } from './worker-state.js';

export interface WorkerRecord {
  readonly id: number;
  /** 1…N; a replacement inherits it. */
  readonly slot: number;
  /** Rises with every reload and every replacement that is asked for. */
  readonly generation: number;
  readonly state: WorkerState;
  /** When it came into its state. */
  readonly since: number;
  /** When it is killed unless it has left its state; Infinity where it may stay. */
  readonly deadline: number;
  /** When it was last heard of. */
  readonly heardAt: number;
}

/** What there is. Every time is of one monotonic clock, in milliseconds. */
export interface Picture {
  readonly workers: readonly WorkerRecord[];
  readonly wanted: number;
  /** By slot, the generation from which a worker is good enough; those below are replaced, then retired. */
  readonly goals: ReadonlyMap<number, number>;
  /** By slot, until when nothing is forked into it. */
  readonly pauses: ReadonlyMap<number, number>;
  /** Until when the restart budget is spent. */
  readonly budgetSpentUntil: number;
}

export interface Limits {
  /** A worker that is silent for longer hangs. */
  readonly workerTimeoutMs: number;
  /** How many slots are replaced at a time. */
  readonly reloadBatch: number;
}

export type Step =
  | { readonly action: 'fork'; readonly slot: number }
  | { readonly action: 'drain'; readonly id: number }
  /** It hangs: SIGTERM, since it would not read a message, and SIGKILL when that does not help. */
  | { readonly action: 'terminate'; readonly id: number }
  | { readonly action: 'kill'; readonly id: number };

/**
 * Compares what there is with what is wanted, and says what to do about it.
 *
 * It decides and never acts, so the same picture always gives the same steps. A slot whose worker is not good enough
 * any more gets a new one first; only when all slots of the batch have a ready one are the old ones drained.
 */
export function plan(picture: Picture, limits: Limits, now: number): Step[] {
  const overdue = picture.workers.filter(({ deadline }) => now >= deadline);
  const silent = picture.workers.filter((worker) => now >= silenceOf(worker, limits));
  const ending = new Set([...overdue, ...silent]);
  const slots = slotsOf(picture, limits, ending);

  return [
    ...overdue.map(({ id }): Step => ({ action: 'kill', id })),
    ...silent.map(({ id }): Step => ({ action: 'terminate', id })),
    ...retirements(picture, slots, ending).map(({ id }): Step => ({ action: 'drain', id })),
    ...slots
      .filter((slot) => slot.needsFork && now >= mayForkAt(picture, slot))
      .map(({ slot }): Step => ({ action: 'fork', slot })),
  ];
}

/** When {@link plan} gives other steps although nothing has happened; Infinity if never. */
export function nextDeadline(picture: Picture, limits: Limits): number {
  return Math.min(
    ...picture.workers.map((worker) => Math.min(worker.deadline, silenceOf(worker, limits))),
    ...slotsOf(picture, limits, new Set())
      .filter(({ needsFork }) => needsFork)
      .map((slot) => mayForkAt(picture, slot)),
  );
}

interface Slot {
  readonly slot: number;
  /** Good enough, booting or ready. */
  readonly current: readonly WorkerRecord[];
  /** Not good enough any more, and still serving. */
  readonly outdated: readonly WorkerRecord[];
  /** Whether it is among those that are being replaced now. */
  readonly inBatch: boolean;
  readonly needsFork: boolean;
}

function slotsOf(picture: Picture, limits: Limits, ending: ReadonlySet<WorkerRecord>): Slot[] {
  const slots = Array.from({ length: picture.wanted }, (_, index) => see(picture, index + 1, ending));
  const batch = new Set(
    slots
      .filter(({ outdated, leaving }) => outdated.length > 0 || leaving)
      .toSorted((a, b) => Number(b.leaving) - Number(a.leaving) || a.slot - b.slot)
      .slice(0, limits.reloadBatch),
  );
  return slots.map((seen) => {
    const { current, outdated, dying } = seen;
    const inBatch = batch.has(seen);
    return { ...seen, inBatch, needsFork: current.length === 0 && !dying && (outdated.length === 0 || inBatch) };
  });
}

function see({ workers, goals }: Picture, slot: number, ending: ReadonlySet<WorkerRecord>) {
  const isOutdated = ({ generation }: WorkerRecord): boolean => generation < (goals.get(slot) ?? 0);
  const here = workers.filter((worker) => worker.slot === slot);
  const serving = here.filter((worker) => serves(worker) && !ending.has(worker));
  return {
    slot,
    current: serving.filter((worker) => !isOutdated(worker)),
    outdated: serving.filter(isOutdated),
    // Those that drain still take memory, which is what a batch bounds.
    leaving: here.some((worker) => worker.state === 'draining' && isOutdated(worker)),
    // How it ends decides when its slot may be filled again.
    dying: here.some((worker) => worker.state === 'killed' || (worker.state === 'booting' && ending.has(worker))),
  };
}

/** Who serves and should not: slots that are not wanted, second workers of a slot, and what a whole batch replaces. */
function retirements({ workers, wanted }: Picture, slots: readonly Slot[], ending: ReadonlySet<WorkerRecord>) {
  const surplus = workers.filter((worker) => serves(worker) && worker.slot > wanted && !ending.has(worker));
  const second = slots.flatMap(({ current }) => current.toSorted(oldestFirst).slice(1));
  const batch = slots.filter(({ inBatch }) => inBatch);
  const replaced = batch.every(({ current }) => current.some(({ state }) => state === 'ready'));
  return [...surplus, ...second, ...(replaced ? batch.flatMap(({ outdated }) => outdated) : [])];
}

function oldestFirst(a: WorkerRecord, b: WorkerRecord): number {
  return Number(b.state === 'ready') - Number(a.state === 'ready') || a.generation - b.generation || a.id - b.id;
}

function serves({ state }: WorkerRecord): boolean {
  return state === 'booting' || state === 'ready';
}

/** A first worker of a slot and a wanted replacement are no restarts: neither pause nor budget holds them up. */
function mayForkAt({ pauses, budgetSpentUntil }: Picture, { slot }: Slot): number {
  const pausedUntil = pauses.get(slot);
  return pausedUntil === undefined ? -Infinity : Math.max(pausedUntil, budgetSpentUntil);
}

function silenceOf({ state, heardAt }: WorkerRecord, limits: Limits): number {
  return state === 'ready' ? heardAt + limits.workerTimeoutMs : Infinity;
}
