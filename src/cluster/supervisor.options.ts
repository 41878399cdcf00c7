import type { WorkerEnvironment } from './cluster.protocol.js';
import type { RecycleLimits } from './recycling.js';
import type { RestartLimits } from './restart-budget.js';
import type { Limits } from './supervision-plan.js';
import type { WorkerHandle } from './worker-handle.js';

export const SUPERVISOR_OPTIONS = Symbol('SUPERVISOR_OPTIONS');

/** Every time is in milliseconds. */
export interface SupervisorOptions extends Limits, RestartLimits, RecycleLimits {
  /** How many workers to keep, 1 or more. */
  readonly workers: number;
  /** With fewer ready workers than this and a spent budget, the primary gives up. */
  readonly quorum: number;
  /** What every worker finds in its environment besides its slot. */
  readonly environment: Omit<WorkerEnvironment, 'WORKER_SLOT'>;
  /** How long a worker may take to become ready. */
  readonly bootTimeoutMs: number;
  /** Over how long a worker lets its clients go when others stay to take them. */
  readonly drainMs: number;
  /** The same when the whole cluster ends. */
  readonly shutdownDrainMs: number;
  /** What a worker has on top of that before it is killed. */
  readonly drainGraceMs: number;
  /** What a hanging worker has between SIGTERM and SIGKILL. */
  readonly terminateGraceMs: number;
  /** Called with each new worker; returns what to do when it has gone. */
  readonly onFork?: (worker: WorkerHandle) => () => void;
}
