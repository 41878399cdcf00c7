import type { Carrier } from '../carrier.js';
import type { RedisAccess } from '../redis-address.js';
import { RedisCarrier } from './redis.carrier.js';
import { ShardedCarrier } from './sharded.carrier.js';

export interface RedisTopology extends RedisAccess {
  /** `single`: one Redis, or what Sentinel calls the primary. `sharded`: a Redis Cluster. */
  readonly mode: 'single' | 'sharded';
}

/** A carrier over Redis, which connects when it is told to. */
export function redisCarrierFor({ mode, ...access }: RedisTopology): Carrier & Pick<RedisCarrier, 'connect'> {
  return mode === 'sharded' ? new ShardedCarrier(access) : new RedisCarrier(access);
}
