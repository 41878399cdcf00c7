import type { Term } from '../term.js';
import { applyRequest, emptyRecord, type LeaseRecord, type LeaseRequest } from './lease-record.js';
import type { JobRecord, LeaseAnswer, LeaseStore } from './lease-store.js';

/** The lease where one primary is the whole fleet. */
export class MemoryLeaseStore implements LeaseStore {
  private record: LeaseRecord = emptyRecord;
  private readonly byJob = new Map<string, JobRecord>();

  constructor(private readonly now: () => number = Date.now) {}

  acquire(holder: string, leaseMs: number, atLeast: number): Promise<LeaseAnswer> {
    return this.apply({ type: 'acquire', holder, leaseMs, atLeast });
  }

  renew(term: Term, leaseMs: number): Promise<LeaseAnswer> {
    return this.apply({ type: 'renew', term, leaseMs });
  }

  release(term: Term): Promise<LeaseAnswer> {
    return this.apply({ type: 'release', term });
  }

  async claim({ counter, holder }: Term, job: string, due: number): Promise<boolean> {
    const known = this.byJob.get(job);
    if (this.record.counter !== counter || this.record.holder !== holder) return false;
    if (known?.due !== undefined && known.due >= due) return false;
    this.byJob.set(job, { due, last: known?.last });
    return true;
  }

  async note(job: string, outcome: string): Promise<void> {
    this.byJob.set(job, { due: this.byJob.get(job)?.due, last: outcome });
  }

  async jobs(): Promise<ReadonlyMap<string, JobRecord>> {
    return this.byJob;
  }

  async close(): Promise<void> {}

  private async apply(request: LeaseRequest): Promise<LeaseAnswer> {
    const serverTime = this.now();
    const { record, held } = applyRequest(this.record, request, serverTime);
    this.record = record;
    return { held, record, serverTime };
  }
}
