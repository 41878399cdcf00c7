import { inject } from 'vitest';

/** Both carriers, for tables that hold on each: what to put into the environment of a program. */
export const carriers = ['embedded', 'redis'] as const;
export type CarrierName = (typeof carriers)[number];

export function carrierEnvironment(carrier: CarrierName): NodeJS.ProcessEnv {
  return carrier === 'redis' ? { REDIS_URL: inject('redisUrl') } : {};
}
