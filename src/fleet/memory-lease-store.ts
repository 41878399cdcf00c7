import type { Term } from '../term.js';
import { applyRequest, emptyRecord, type LeaseRecord, type LeaseRequest } from './lease-record.js';
import { claimAheadMs, type JobRecord, type LeaseAnswer, type LeaseStore } from './lease-store.js';

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
    const { due: done = -Infinity, last } = this.byJob.get(job) ?? { last: undefined };
    const latest = this.now() + claimAheadMs;
    if (!(await this.holds({ counter, holder })) || due > latest || (done >= due && done <= latest)) return false;
    this.byJob.set(job, { due, last });
    return true;
  }

  async holds({ counter, holder }: Term): Promise<boolean> {
    return this.record.counter === counter && this.record.holder === holder;
  }

  async know(job: string, since: number): Promise<void> {
    const { due = since, last } = this.byJob.get(job) ?? { last: undefined };
    this.byJob.set(job, { due, last });
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
