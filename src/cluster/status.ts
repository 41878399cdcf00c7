import type { FleetStatus } from '../fleet-status.js';
import type { WorkerReport } from './cluster.protocol.js';
import type { ExitKind } from './exit-kind.js';
import type { WorkerHandle } from './worker-handle.js';
import type { WorkerState } from './worker-state.js';

export interface WorkerStatus extends Partial<WorkerReport> {
  readonly slot: number;
  readonly pid: number;
  readonly state: WorkerState;
  /** Clients connected to it. */
  readonly connections: number;
  readonly uptimeMs: number;
  /** How often its slot was given a new worker. */
  readonly restarts: number;
  readonly generation: number;
}

/** What an operator sees of a cluster. Nothing of its environment is in it. */
export interface ClusterStatus {
  readonly primary: { readonly pid: number };
  readonly host: string;
  readonly port: number;
  /** Who accepts the connections: `reuse-port`, the workers; `round-robin`, the primary. */
  readonly listen: string;
  readonly wanted: number;
  /** Whether the restart budget is spent and workers are missing. */
  readonly degraded: boolean;
  readonly workers: readonly WorkerStatus[];
  /** How workers ended since the start, by kind. */
  readonly exits: Readonly<Record<ExitKind, number>>;
  /** Who leads the fleet that this cluster is part of, and what was counted. */
  readonly fleet: FleetStatus;
}

/** @param forks how many workers its slot has had, this one included */
export function describeWorker(
  { record, report, pid, readySince }: Pick<WorkerHandle, 'record' | 'report' | 'pid' | 'readySince'>,
  forks: number,
  now: number,
): WorkerStatus {
  const { slot, state, since, generation } = record;
  return {
    slot,
    pid: pid ?? 0,
    state,
    connections: report?.connections ?? 0,
    uptimeMs: Math.round(now - (readySince ?? since)),
    restarts: forks - 1,
    generation,
    ...report,
  };
}
