import { Redis, type RedisOptions } from 'ioredis';

export interface RedisClients {
  /** Publishes and asks. */
  readonly publisher: Redis;
  /** In subscriber mode; not for other commands. */
  readonly subscriber: Redis;
}

const longestRetryMs = 1_000;

/** Opens the two connections that a process keeps. They retry for ever, and fail a command at once rather than queue it. */
export function openRedisClients(url: string): RedisClients {
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
  return { publisher: new Redis(url, common), subscriber: new Redis(url, common) };
}

/** `host:port`, or the path of a socket: never the user or the password. */
export function redisAddress({ options }: Redis): string {
  return options.path ?? `${options.host ?? 'localhost'}:${options.port ?? 6379}`;
}
