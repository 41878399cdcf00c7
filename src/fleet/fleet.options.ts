import type { LeaseStore } from './lease-store.js';
import { MemoryLeaseStore } from './memory-lease-store.js';
import { RedisLeaseStore } from './redis-lease-store.js';

export const FLEET_OPTIONS = Symbol('FLEET_OPTIONS');

export interface FleetOptions {
  /** Where the lease is kept; without it this process is the whole fleet. May hold a password. */
  readonly redisUrl?: string | undefined;
  /**
   * Prefix of the lease's key and of the channels, the same on every host.
   * @default "socket.io"
   */
  readonly key?: string;
  /**
   * How long a leader that is not heard of any more keeps the others waiting, in milliseconds, from 500 to 3_600_000.
   * @default 5_000
   */
  readonly leaseMs?: number;
  /**
   * This host's name, as `ctl leader` shows it.
   * @default "host"
   */
  readonly host?: string;
}

export type ResolvedFleetOptions = Readonly<Required<Omit<FleetOptions, 'redisUrl'>>> & Pick<FleetOptions, 'redisUrl'>;

/** @throws RangeError when `leaseMs` is out of its range. */
export function resolveFleetOptions(options: FleetOptions): ResolvedFleetOptions {
  const { redisUrl, key = 'socket.io', leaseMs = 5_000, host = 'host' } = options;
  if (!Number.isInteger(leaseMs) || leaseMs < 500 || leaseMs > 3_600_000) {
    throw new RangeError(
      `Expected \`leaseMs\` to be a whole number of milliseconds from 500 to 3600000, got ${leaseMs}.`,
    );
  }
  // Who is alone has nobody to leave the lease to.
  return { redisUrl, key, leaseMs: redisUrl === undefined ? Infinity : leaseMs, host };
}

/** How long a start waits for the Redis of the lease. Without it each host beats for its own clients. */
const connectMs = 2_000;

export async function openLeaseStore({ redisUrl, key, leaseMs }: ResolvedFleetOptions): Promise<LeaseStore> {
  if (redisUrl === undefined) return new MemoryLeaseStore();
  const store = new RedisLeaseStore({ url: redisUrl, key, commandTimeoutMs: Math.max(100, leaseMs / 5) });
  await store.connected(connectMs);
  return store;
}

/** Where primaries say that the lease has changed hands. */
export function leaseChannel(key: string): string {
  return `${key}-lease`;
}
