import { nextToRecycle, type RecycleLimits } from './recycling.js';
import type { WorkerHandle } from './worker-handle.js';
import type { Workforce } from './workforce.js';

/** After a recycling failed, how long before the next is tried. */
const retryMs = 60_000;

/** Chooses who is replaced because of age or memory. Off where neither is limited. */
export class Recycler {
  private notBefore = -Infinity;

  constructor(
    private readonly workforce: Workforce,
    private readonly limits: RecycleLimits,
  ) {}

  get isOn(): boolean {
    return this.limits.maxAgeMs !== undefined || this.limits.maxRssBytes !== undefined;
  }

  next(wanted: number): WorkerHandle | undefined {
    const now = performance.now();
    if (!this.isOn || now < this.notBefore) return undefined;
    const candidates = this.workforce.all.map(({ record, readySince = now, report, jitter }) => ({
      ...record,
      readySince,
      rssBytes: report?.rssBytes ?? 0,
      jitter,
    }));
    const candidate = nextToRecycle(candidates, wanted, this.limits, now);
    return candidate && this.workforce.find(candidate.id);
  }

  /** A replacement has failed: the next would likely fail as well. */
  rest(): void {
    this.notBefore = performance.now() + retryMs;
  }
}
