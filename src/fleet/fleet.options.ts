import type { RedisAccess } from '../redis-address.js';
import type { LeaseStore } from './lease-store.js';
import { MemoryLeaseStore } from './memory-lease-store.js';
import { RedisLeaseStore } from './redis-lease-store.js';

export const FLEET_OPTIONS = Symbol('FLEET_OPTIONS');

export interface FleetOptions {
  /** Where the lease is kept; without it this process is the whole fleet. */
  readonly redis?: RedisAccess | undefined;
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

export type ResolvedFleetOptions = Readonly<Required<Omit<FleetOptions, 'redis'>>> & Pick<FleetOptions, 'redis'>;

/** @throws RangeError when `leaseMs` is out of its range. */
export function resolveFleetOptions(options: FleetOptions): ResolvedFleetOptions {
  const { redis, key = 'socket.io', leaseMs = 5_000, host = 'host' } = options;
  if (!Number.isInteger(leaseMs) || leaseMs < 500 || leaseMs > 3_600_000) {
    throw new RangeError(
      `Expected \`leaseMs\` to be a whole number of milliseconds from 500 to 3600000, got ${leaseMs}.`,
    );
  }
  // Who is alone has nobody to leave the lease to.
  return { redis, key, leaseMs: redis === undefined ? Infinity : leaseMs, host };
}

/** How long a start waits for the Redis of the lease. Without it each host beats for its own clients. */
const connectMs = 2_000;

export async function openLeaseStore({ redis, key, leaseMs }: ResolvedFleetOptions): Promise<LeaseStore> {
  if (redis === undefined) return new MemoryLeaseStore();
  const store = new RedisLeaseStore({ redis, key, commandTimeoutMs: Math.max(100, leaseMs / 5) });
  await store.connected(connectMs);
  return store;
}

/** Where primaries say that the lease has changed hands. */
export function leaseChannel(key: string): string {
  return `${key}-lease`;
}
