/** What a worker tells its primary. */
export type WorkerMessage = { readonly type: 'ready' };

/** What the primary tells a worker. */
export type PrimaryMessage = { readonly type: 'stop' };

/** The conversation that both have over IPC. */
export const clusterTopic = 'cluster';

/** Says what a worker is, in its environment. */
export interface WorkerEnvironment {
  readonly WORKER_SLOT: string;
  /** The port that was chosen once for all. */
  readonly PORT: string;
}
