import type { SlowClientFigures } from '../slow-clients.js';

/**
 * The version of what primary and workers say to each other over IPC.
 *
 * After a deploy the old primary runs the new workers: one that speaks another version is refused.
 */
export const protocolVersion = 1;

/** How a worker is, once a second. */
export interface WorkerReport {
  /** By how much the event loop was late since the last report, in milliseconds. */
  readonly loopDelayP99Ms: number;
  readonly loopDelayMaxMs: number;
  /** The share of time in which the event loop was busy since the last report, 0…1. */
  readonly loopUtilization: number;
  readonly heapUsedBytes: number;
  readonly rssBytes: number;
  /** Clients connected now. */
  readonly connections: number;
  /** What waits for its clients, and what was done about those that are slow. */
  readonly slowClients: SlowClientFigures;
}

/** What a worker tells its primary. */
export type WorkerMessage =
  | { readonly type: 'ready'; readonly protocolVersion: number }
  | { readonly type: 'report'; readonly report: WorkerReport };

/** What the primary tells a worker. */
export type PrimaryMessage =
  /** End; let the clients go within `drainMs`, 0 for all at once. */
  | { readonly type: 'drain'; readonly drainMs: number }
  | { readonly type: 'logLevel'; readonly level: string }
  /** Whether the cluster is less than it should be, for `/health`. */
  | { readonly type: 'degraded'; readonly degraded: boolean };

/** The conversation that both have over IPC. */
export const clusterTopic = 'cluster';

/** Says what a worker is, in its environment. */
export interface WorkerEnvironment {
  readonly WORKER_SLOT: string;
  /** The port that was chosen once for all. */
  readonly PORT: string;
  /** What it needs to know for sessions that live on other workers, as JSON. */
  readonly WORKER_SESSIONS: string;
  /** Who accepts: as the primary decided, which may run another Node than a worker that comes later. */
  readonly LISTEN: string;
}

export const reportIntervalMs = 1_000;
