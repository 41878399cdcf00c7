/** Clients are let go in batches, this far apart on average. */
const batchMs = 100;

/** Who may be let go: a connection that ends once it owes no answer. */
export interface Departing {
  leave(): Promise<void>;
}

export interface DepartureBatch {
  /** When, after the start. */
  readonly atMs: number;
  readonly count: number;
}

/**
 * Spreads the departure of `clients` over `drainMs`, so that they do not come back in the same second.
 *
 * Each batch is moved by chance (`random` gives 0…1) within its own share of the time.
 */
export function departures(clients: number, drainMs: number, random: () => number): DepartureBatch[] {
  const batches = Math.min(clients, Math.max(1, Math.floor(drainMs / batchMs)));
  const share = drainMs / batches;
  return Array.from({ length: batches }, (_, index) => ({
    atMs: Math.round((index + random()) * share),
    count: Math.floor(((index + 1) * clients) / batches) - Math.floor((index * clients) / batches),
  }));
}
