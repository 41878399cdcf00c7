import type { Term } from './term.js';

/** What a run is told. */
export interface FleetRun {
  readonly name: string;
  /** The time for which it runs, in milliseconds since 1970 by the fleet's clock. */
  readonly due: number;
  /** The fencing token: it only rises from one leader to the next, so what you write to may refuse an older one. */
  readonly term: Term;
  /** Aborted when this primary ceases to lead: whoever leads next may begin the next run. */
  readonly signal: AbortSignal;
}

export interface FleetJobOptions {
  /**
   * The same on every host; `ctl` and Nest's `SchedulerRegistry` know the job by it.
   * @default the class and the method, `ReportJobs.daily`
   */
  readonly name?: string;
  /**
   * What happens when it is due while an earlier run is under way: `skip` it, or `queue` it (10 at the most).
   * @default "skip"
   */
  readonly overlap?: 'skip' | 'queue';
  /**
   * What happens with what was due while nobody led: it is reported, and `skip` leaves it at that, while `run-late` runs
   * it once, however often it was due.
   * @default "skip"
   */
  readonly missed?: 'skip' | 'run-late';
}

/** A job whose runs must be on time to the millisecond, and whose receivers refuse what comes twice. */
export interface Pulse {
  /** In the leader, at each multiple of the interval. */
  readonly lead: (sequence: number, term: Term) => void;
  /** In every other primary of the fleet. */
  readonly follow: (sequence: number) => void;
}

/**
 * Runs in one primary of the fleet what must happen once.
 *
 * A class, so that it is its own injection token.
 */
export abstract class FleetSchedule {
  /**
   * Begins a pulse: at each multiple of `ms` of the fleet's clock. Nothing is asked of the lease server for it.
   *
   * @throws JobNameTakenError
   */
  abstract pulse(name: string, ms: number, pulse: Pulse): void;
}
