import { EventEmitter, once } from 'node:events';
import type { FleetNews } from './fleet-process.js';

/** What the clients have told of the messages of one run. */
export class Receipts {
  private batches = 0;
  private fault: string | undefined;
  private readonly picture = new EventEmitter<{ changed: [] }>();

  note(said: FleetNews): void {
    if (said.type === 'received') this.batches = said.batches;
    if (said.type === 'fault') this.fault ??= said.what;
    this.picture.emit('changed');
  }

  begin(): void {
    this.batches = 0;
  }

  /** How many batches have come to all whom they concern. */
  get received(): number {
    return this.batches;
  }

  /**
   * Resolves once so many have, or when that takes longer than it may.
   *
   * @throws Error when a client found something wrong with what it got.
   */
  async atLeast(batches: number, longestWaitMs: number): Promise<void> {
    const signal = AbortSignal.timeout(longestWaitMs);
    while (this.batches < batches && this.fault === undefined && !signal.aborted) {
      await once(this.picture, 'changed', { signal }).catch(() => {});
    }
    if (this.fault !== undefined) throw new Error(this.fault);
  }
}
