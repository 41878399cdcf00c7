import type { Term } from '../term.js';
import type { LeaseRecord } from './lease-record.js';

/** What the lease server answers: whether the asker holds the lease now, and what is known of it. */
export interface LeaseAnswer {
  readonly held: boolean;
  readonly record: LeaseRecord;
  /** The server's clock when it answered. */
  readonly serverTime: number;
}

/** What is kept of a job for whoever leads next. */
export interface JobRecord {
  /** The last time for which it was run, of the fleet's clock. */
  readonly due: number | undefined;
  /** How the last run ended, as it was noted. */
  readonly last: string | undefined;
}

/** Keeps the lease of a fleet, and what its jobs have done. Every method rejects when the server cannot be asked. */
export interface LeaseStore {
  acquire(holder: string, leaseMs: number, atLeast: number): Promise<LeaseAnswer>;
  renew(term: Term, leaseMs: number): Promise<LeaseAnswer>;
  release(term: Term): Promise<LeaseAnswer>;
  /** Marks a job as run for a time, and resolves with whether that is this term's to do and nobody has done it yet. */
  claim(term: Term, job: string, due: number): Promise<boolean>;
  /** Notes how a run ended. */
  note(job: string, outcome: string): Promise<void>;
  jobs(): Promise<ReadonlyMap<string, JobRecord>>;
  close(): Promise<void>;
}
