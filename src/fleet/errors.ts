import { ClusterIoError } from '../errors.js';

/** Two jobs of a fleet have the same name, which is how hosts agree on what has run. */
export class JobNameTakenError extends ClusterIoError {
  readonly code = 'JOB_NAME_TAKEN';

  constructor(readonly job: string) {
    super(`Two jobs of the fleet are called "${job}": give one of them another \`name\`.`);
  }
}

/** A job cannot be scheduled as it is declared. */
export class JobInvalidError extends ClusterIoError {
  readonly code = 'JOB_INVALID';

  constructor(
    readonly job: string,
    readonly expected: string,
    options?: ErrorOptions,
  ) {
    const reason = options?.cause instanceof Error ? ` (${options.cause.message})` : '';
    super(`The job "${job}" cannot be scheduled: expected ${expected}${reason}.`, options);
  }
}

/** `ctl jobs` lists them all. */
const mostNamed = 10;

export class UnknownJobError extends ClusterIoError {
  readonly code = 'JOB_UNKNOWN';

  constructor(
    readonly job: string,
    readonly known: readonly string[],
  ) {
    const more = known.length > mostNamed ? ` and ${known.length - mostNamed} more` : '';
    const named = `there are ${known.slice(0, mostNamed).join(', ')}${more}`;
    super(`There is no job "${job}": ${known.length > 0 ? named : 'there are none'}.`);
  }
}

/** The job is running, or its queue is full, and it is not to run twice at a time. */
export class JobBusyError extends ClusterIoError {
  readonly code = 'JOB_BUSY';

  constructor(readonly job: string) {
    super(`The job "${job}" is running already: try again when that run is over.`);
  }
}

/** Nobody leads the fleet, or the leader cannot be reached. */
export class NoLeaderError extends ClusterIoError {
  readonly code = 'NO_LEADER';

  constructor() {
    super('No leader of the fleet has answered: try again when there is one, `ctl leader` says who it is.');
  }
}

/** Without the lease server nobody can tell whether this primary still leads. */
export class LeaseUnreachableError extends ClusterIoError {
  readonly code = 'LEASE_UNREACHABLE';

  constructor(options: ErrorOptions) {
    super(
      'The lease server cannot be asked, so nothing was run: try again when `ctl leader` names no failure.',
      options,
    );
  }
}

/** A run takes longer than an operator waits for it. */
export class JobStillRunningError extends ClusterIoError {
  readonly code = 'JOB_STILL_RUNNING';

  constructor(
    readonly job: string,
    readonly waitedMs: number,
  ) {
    super(`The job "${job}" still runs after ${waitedMs} ms: \`ctl jobs\` says how it ends.`);
  }
}

/** What the leader refused, as it said it. */
export class LeaderRefusedError extends ClusterIoError {
  constructor(
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}
