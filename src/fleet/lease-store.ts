import type { Term } from '../term.js';
import type { LeaseRecord } from './lease-record.js';

/** By how much the clock of who claims may be ahead of the lease server's, in milliseconds. */
export const claimAheadMs = 60_000;

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
  /**
   * Marks a job as run for a time, and resolves with whether that is this term's to do and nobody has done it yet. A time
   * that is more than a minute ahead is nobody's.
   */
  claim(term: Term, job: string, due: number): Promise<boolean>;
  /** Resolves with whether the lease is this term's now. */
  holds(term: Term): Promise<boolean>;
  /** Notes since when a job is known, so that a gap before its first run is seen. */
  know(job: string, since: number): Promise<void>;
  /** Notes how a run ended. */
  note(job: string, outcome: string): Promise<void>;
  jobs(): Promise<ReadonlyMap<string, JobRecord>>;
  close(): Promise<void>;
}
