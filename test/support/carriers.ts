import { inject } from 'vitest';

/** Both carriers, for tables that hold on each: what to put into the environment of a program. */
export const carriers = ['embedded', 'redis'] as const;
/** With the one over a Redis Cluster, where patterns do not work. */
export const allCarriers = [...carriers, 'sharded'] as const;
export type CarrierName = (typeof allCarriers)[number];

export function carrierEnvironment(carrier: CarrierName): NodeJS.ProcessEnv {
  if (carrier === 'embedded') return {};
  if (carrier === 'redis') return { REDIS_URL: inject('redisUrl') };
  return { REDIS_MODE: 'sharded', REDIS_URL: inject('redisClusterUrl'), LEASE_REDIS_URL: inject('redisUrl') };
}
