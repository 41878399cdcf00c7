import { ClusterIoError } from '../errors.js';

/** A worker ended while no worker had ever been ready: starting more of them would not help. */
export class WorkerBootError extends ClusterIoError {
  readonly code = 'WORKER_BOOT_FAILED';

  constructor(
    readonly slot: number,
    readonly reason: string,
  ) {
    super(`Worker ${slot} could not start (${reason}), and no worker ever has: its own error stands above.`);
  }
}

/** Workers failed too often, and too few are left. */
export class RestartBudgetExhaustedError extends ClusterIoError {
  readonly code = 'RESTART_BUDGET_EXHAUSTED';

  constructor(
    readonly restarts: number,
    readonly windowMs: number,
    readonly ready: number,
    readonly quorum: number,
  ) {
    super(
      `Workers failed more than ${restarts} times within ${windowMs} ms and ${ready} are left, fewer than the quorum ` +
        `of ${quorum}, so the primary gives up: look at the first worker error above.`,
    );
  }
}

/** A replacement did not become ready. The workers that were to be replaced with it, or after it, serve on. */
export class ReplacementFailedError extends ClusterIoError {
  readonly code = 'REPLACEMENT_FAILED';

  constructor(
    readonly slot: number,
    readonly reason: string,
  ) {
    super(
      `The new worker ${slot} did not become ready (${reason}): the replacement is given up, ` +
        'and the workers that were not replaced serve on.',
    );
  }
}

/** Somebody asks for what cannot be done now. */
export class RefusedCommandError extends ClusterIoError {
  readonly code = 'COMMAND_REFUSED';
}
