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
