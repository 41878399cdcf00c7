import type { Redis, RedisOptions } from 'ioredis';
import { type HostAndPort, openClusterNode, openRedis, type RedisAccess } from '../redis-address.js';

export interface RedisClients {
  /** Publishes and asks. */
  readonly publisher: Redis;
  /** In subscriber mode; not for other commands. */
  readonly subscriber: Redis;
}

const longestRetryMs = 1_000;

/** They retry for ever, and fail a command at once rather than queue it. */
const common: RedisOptions = {
  lazyConnect: true,
  enableOfflineQueue: false,
  autoResubscribe: false,
  // After a cut ioredis would send again what it has no reply for, which Redis may have carried already.
  autoResendUnfulfilledCommands: false,
  maxRetriesPerRequest: 0,
  keepAlive: 10_000,
  connectTimeout: 5_000,
  retryStrategy: (attempt) => Math.random() * Math.min(longestRetryMs, 50 * 2 ** Math.min(attempt, 6)) + 20,
};

/** Opens the two connections that a process keeps. */
export function openRedisClients(access: RedisAccess): RedisClients {
  return { publisher: openRedis(access, common), subscriber: openRedis(access, common) };
}

/** Opens the two connections that a process keeps to one node of a cluster. */
export function openNodeClients(access: RedisAccess, node: HostAndPort): RedisClients {
  return { publisher: openClusterNode(access, node, common), subscriber: openClusterNode(access, node, common) };
}

/** Opens a connection for one question, which is not tried again. */
export function openOnce(access: RedisAccess, node: HostAndPort): Redis {
  return openClusterNode(access, node, { ...common, retryStrategy: () => null });
}

/** `host:port`, the path of a socket, or what Sentinel is asked for: never the user or the password. */
export function redisAddress({ options }: Redis): string {
  if (options.sentinels) {
    const hosts = options.sentinels.map(({ host, port }) => `${host}:${port}`);
    return `${options.name} (by Sentinel at ${hosts.join(', ')})`;
  }
  return options.path ?? `${options.host ?? 'localhost'}:${options.port ?? 6379}`;
}
