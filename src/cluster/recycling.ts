import type { WorkerRecord } from './supervision-plan.js';

export interface RecycleLimits {
  /** How old a worker may become, in milliseconds; undefined: as old as it likes. */
  readonly maxAgeMs: number | undefined;
  /** How much resident memory it may take, in bytes; undefined: as much as it likes. */
  readonly maxRssBytes: number | undefined;
}

export interface RecycleCandidate extends WorkerRecord {
  readonly readySince: number;
  readonly rssBytes: number;
  /** 0…1, drawn once for each worker: workers that started together must not end together. */
  readonly jitter: number;
}

/** By how much a worker's own limits may lie below the configured ones. */
const jitterShare = 0.2;

/** Who is to be replaced next because of age or memory: nobody while any worker is being replaced or missing. */
export function nextToRecycle(
  workers: readonly RecycleCandidate[],
  wanted: number,
  limits: RecycleLimits,
  now: number,
): RecycleCandidate | undefined {
  const slots = new Set(workers.map(({ slot }) => slot));
  const settled = workers.length === wanted && slots.size === wanted && workers.every(({ state }) => state === 'ready');
  return settled ? workers.find((worker) => isTooOld(worker, limits, now) || isTooBig(worker, limits)) : undefined;
}

function isTooOld({ readySince, jitter }: RecycleCandidate, { maxAgeMs }: RecycleLimits, now: number): boolean {
  return maxAgeMs !== undefined && now - readySince >= maxAgeMs * (1 - jitter * jitterShare);
}

function isTooBig({ rssBytes, jitter }: RecycleCandidate, { maxRssBytes }: RecycleLimits): boolean {
  return maxRssBytes !== undefined && rssBytes >= maxRssBytes * (1 - jitter * jitterShare);
}
