import type { WorkerRecord } from './supervision-plan.js';

type Generation = Pick<WorkerRecord, 'slot' | 'generation'>;

/** Says from which generation on a worker is good enough for its slot. */
export class GenerationGoals {
  readonly bySlot = new Map<number, number>();
  private latestGeneration = 1;

  /** What is forked now belongs to it. */
  get latest(): number {
    return this.latestGeneration;
  }

  /** From now on only workers that are forked from now on are good enough for these slots. */
  raise(slots: readonly number[]): void {
    this.latestGeneration++;
    for (const slot of slots) this.bySlot.set(slot, this.latestGeneration);
  }

  /** A worker that was to be replaced is good enough again. */
  accept({ slot, generation }: Generation): void {
    this.bySlot.set(slot, generation);
  }

  isOutdated({ slot, generation }: Generation): boolean {
    return generation < (this.bySlot.get(slot) ?? 0);
  }
}
