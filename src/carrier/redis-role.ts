import type { Redis } from 'ioredis';

/** HELLO tells it without the rights that ROLE and INFO need; undefined where Redis does not say. */
export async function roleOf(redis: Redis): Promise<string | undefined> {
  const hello: unknown = await redis.call('HELLO').catch(() => []);
  if (!Array.isArray(hello)) return (hello as { role?: string }).role;
  const at = hello.indexOf('role');
  return at < 0 ? undefined : String(hello[at + 1]);
}

export function refuseReplica(role: string | undefined): void {
  if (role === 'replica') throw replicaError();
}

/** It takes a PUBLISH, and brings it to nobody but its own subscribers. */
export function replicaError(): Error {
  return new Error('it is a replica');
}
