import type { Picture, Step, WorkerRecord } from '../../src/cluster/supervision-plan.js';

type Facts = Partial<Omit<WorkerRecord, 'id'>>;

/** A worker of the first generation in the slot of its number, last heard of at 0, without a deadline. */
export function worker(id: number, facts: Facts): WorkerRecord {
  return { id, slot: id, generation: 1, state: 'ready', since: 0, deadline: Infinity, heardAt: 0, ...facts };
}

export function ready(id: number, facts: Facts = {}): WorkerRecord {
  return worker(id, { state: 'ready', ...facts });
}

export interface Sight {
  readonly wanted: number;
  readonly goals?: Readonly<Record<number, number>>;
  readonly pauses?: Readonly<Record<number, number>>;
  readonly budgetSpentUntil?: number;
}

export function see(sight: Sight, ...workers: WorkerRecord[]): Picture {
  const { wanted, goals = {}, pauses = {}, budgetSpentUntil = -Infinity } = sight;
  return { workers, wanted, goals: bySlot(goals), pauses: bySlot(pauses), budgetSpentUntil };
}

export const fork = (slot: number): Step => ({ action: 'fork', slot });
export const drain = (id: number): Step => ({ action: 'drain', id });
export const terminate = (id: number): Step => ({ action: 'terminate', id });
export const kill = (id: number): Step => ({ action: 'kill', id });

function bySlot(values: Readonly<Record<number, number>>): Map<number, number> {
  return new Map(Object.entries(values).map(([slot, value]) => [Number(slot), value]));
}
