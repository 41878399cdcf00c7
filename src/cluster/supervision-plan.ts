import type { WorkerState } from './worker-state.js';

export interface WorkerRecord {
  readonly id: number;
  /** 1…N; a replacement inherits it. */
  readonly slot: number;
  readonly state: WorkerState;
  /** When it came into its state, on a monotonic clock, in milliseconds. */
  readonly since: number;
}

export interface Picture {
  readonly workers: readonly WorkerRecord[];
  readonly wanted: number;
  /** By slot, until when nothing is forked into it. */
  readonly pauses: ReadonlyMap<number, number>;
}

export interface Limits {
  readonly bootTimeoutMs: number;
  readonly drainTimeoutMs: number;
}

export type Step =
  | { readonly action: 'fork'; readonly slot: number }
  | { readonly action: 'drain'; readonly id: number }
  | { readonly action: 'kill'; readonly id: number };

/**
 * Compares the workers there are with the number wanted, and says what to do about it.
 *
 * It decides and never acts, so the same picture always gives the same steps.
 */
export function plan(picture: Picture, limits: Limits, now: number): Step[] {
  const { workers, wanted } = picture;
  const overdue = workers.filter((worker) => now >= deadlineOf(worker, limits));
  const surplus = workers.filter((worker) => serves(worker) && worker.slot > wanted && !overdue.includes(worker));
  const empty = emptySlots(picture).filter((slot) => now >= pauseOf(picture, slot));

  return [
    ...overdue.map(({ id }): Step => ({ action: 'kill', id })),
    ...surplus.map(({ id }): Step => ({ action: 'drain', id })),
    ...empty.map((slot): Step => ({ action: 'fork', slot })),
  ];
}

/** When {@link plan} gives other steps although nothing has happened; Infinity if never. */
export function nextDeadline(picture: Picture, limits: Limits): number {
  return Math.min(
    ...picture.workers.map((worker) => deadlineOf(worker, limits)),
    ...emptySlots(picture).map((slot) => pauseOf(picture, slot)),
  );
}

function emptySlots({ workers, wanted }: Picture): number[] {
  const taken = new Set(workers.filter(serves).map(({ slot }) => slot));
  return Array.from({ length: wanted }, (_, index) => index + 1).filter((slot) => !taken.has(slot));
}

function serves({ state }: WorkerRecord): boolean {
  return state === 'booting' || state === 'ready';
}

function pauseOf({ pauses }: Picture, slot: number): number {
  return pauses.get(slot) ?? -Infinity;
}

function deadlineOf({ state, since }: WorkerRecord, { bootTimeoutMs, drainTimeoutMs }: Limits): number {
  if (state === 'booting') return since + bootTimeoutMs;
  if (state === 'draining') return since + drainTimeoutMs;
  return Infinity;
}
