/** Who leads the fleet, as one primary knows it. */
export interface LeaderStatus {
  /** Whether this primary leads. */
  readonly here: boolean;
  /** `host:pid:…` of the leader; null while nobody is known to lead. */
  readonly holder: string | null;
  /** The counter of the present or last term; 0 before the first. */
  readonly term: number;
  /** How long the leader has led. */
  readonly ageMs: number | null;
  /** How the present term began: `first`, `released`, `expired`, or `counter lost` by a failover of Redis. */
  readonly why: string | null;
  /** How long ago the lease server said so. */
  readonly knownForMs: number | null;
  /** How often this primary has begun to lead since its start. */
  readonly takeovers: number;
  /** Why this primary last ceased to lead. */
  readonly steppedDown: string | null;
  /** Why the lease server cannot be used; null while it answers. */
  readonly failure: string | null;
}

/** How one run of a job went. */
export interface JobRun {
  /** The time for which it ran, of the fleet's clock. */
  readonly due: number;
  readonly startedAt: number;
  readonly durationMs: number;
  readonly result: 'done' | 'failed';
  /** What a failed run threw. */
  readonly error?: string;
  readonly holder: string;
}

export interface JobStatus {
  readonly name: string;
  /** `every 1000 ms`, or the cron expression with its time zone. */
  readonly schedule: string;
  readonly running: boolean;
  readonly last: JobRun | null;
  /** When it is due next, on the fleet's clock; null where it was taken off the schedule. */
  readonly next: number | null;
  /** Of this primary, since its start. */
  readonly runs: number;
  readonly failed: number;
  /** Due while an earlier run was under way. */
  readonly skipped: number;
  /** Due while nobody led, or while the leader stalled. */
  readonly missed: number;
}

export interface FleetStatus {
  readonly leader: LeaderStatus;
  /** Of this host since its start. */
  readonly counters: {
    readonly takeovers: number;
    readonly runs: number;
    readonly skippedRuns: number;
    readonly failedRuns: number;
    readonly missedRuns: number;
    /** Beats of a leader that had been followed by another, which its workers refused. */
    readonly refusedBeats: number;
  };
}

export interface ReleasedLease {
  /** Who led until then. */
  readonly released: string;
  /** Whether the lease server has the lease back; if not, it ends by itself within `LEASE_MS`. */
  readonly isFree: boolean;
}

/** What an operator can ask of a fleet, on any of its hosts. What only the leader can do is passed on to it. */
export interface FleetControl {
  status(): FleetStatus;
  jobs(): Promise<readonly JobStatus[]>;
  /** Runs a job now, and resolves when the run is over. */
  runJob(name: string): Promise<JobRun>;
  /** Resolves once the leader has ceased to lead. */
  releaseLease(): Promise<ReleasedLease>;
}
