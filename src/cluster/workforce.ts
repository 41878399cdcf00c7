import type { PrimaryMessage } from './cluster.protocol.js';
import { describeWorker, type WorkerStatus } from './status.js';
import type { WorkerRecord } from './supervision-plan.js';
import type { WorkerHandle } from './worker-handle.js';

/** The workers that there are, and what can be asked of them together. */
export class Workforce {
  private readonly handles = new Map<number, WorkerHandle>();
  /** By slot, how many workers it has had. */
  private readonly forks = new Map<number, number>();

  add(handle: WorkerHandle): void {
    const { id, slot } = handle.record;
    this.handles.set(id, handle);
    this.forks.set(slot, (this.forks.get(slot) ?? 0) + 1);
  }

  remove({ record }: WorkerHandle): void {
    this.handles.delete(record.id);
  }

  find(id: number): WorkerHandle | undefined {
    return this.handles.get(id);
  }

  get all(): WorkerHandle[] {
    return [...this.handles.values()];
  }

  get records(): WorkerRecord[] {
    return this.all.map(({ record }) => record);
  }

  get size(): number {
    return this.handles.size;
  }

  /** How many serve. */
  get ready(): number {
    return this.records.filter(({ state }) => state === 'ready').length;
  }

  readyIn(slot: number): WorkerHandle | undefined {
    return this.all.find(({ record }) => record.slot === slot && record.state === 'ready');
  }

  isServed(slot: number): boolean {
    return this.records.some((record) => record.slot === slot && /^(booting|ready)$/.test(record.state));
  }

  /** Whether a worker was to replace another, which is still there. */
  hasOlder({ record: { slot, generation } }: WorkerHandle): boolean {
    return this.records.some(
      (record) => record.slot === slot && record.generation < generation && record.state === 'ready',
    );
  }

  tell(message: PrimaryMessage): void {
    for (const handle of this.all) handle.send(message);
  }

  /** By slot, the older first. */
  describe(now: number): WorkerStatus[] {
    return this.all
      .map((handle) => describeWorker(handle, this.forks.get(handle.record.slot) ?? 1, now))
      .toSorted((a, b) => a.slot - b.slot || a.generation - b.generation);
  }
}
