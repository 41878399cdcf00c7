import { readFileSync } from 'node:fs';
import os from 'node:os';
import { z } from 'zod';
import { availableCores } from './available-cores.js';
import { ConfigError } from './errors.js';
import { chooseListenMode, type ListenMode } from './listen-mode.js';
import { parseClusterUrl, parseSentinelUrl, type RedisAccess, type RedisTls } from './redis-address.js';
import { leastBufferAgeMs, leastBufferBytes, mostBufferAgeMs, mostBufferBytes } from './slow-clients.js';

/** What the environment says, read once and validated. Every duration is in milliseconds. */
export interface Config {
  /** Where the workers listen; 0 takes a free port, the same for all. */
  readonly port: number;
  /** The address to listen on; undefined means all interfaces. */
  readonly host: string | undefined;
  /** Who accepts the connections of a cluster. */
  readonly listen: ListenMode;
  /** How many workers the primary keeps. */
  readonly workers: number;
  /** Where Redis is; undefined means the embedded carrier. May hold a password: never print it. */
  readonly redisUrl: string | undefined;
  /** `single`: one Redis, or what Sentinel calls the primary. `sharded`: a Redis Cluster with sharded pub/sub. */
  readonly redisMode: 'single' | 'sharded';
  /** What connections with TLS go by. */
  readonly redisTls: RedisTls | undefined;
  /** What the sentinels ask for: never print it. */
  readonly redisSentinelPassword: string | undefined;
  /** Prefix of every Redis channel and key, as `key` of the official adapter and emitters. */
  readonly redisKey: string;
  /** `rooms`: a worker subscribes to the rooms it holds. `pattern`: to everything, as the official adapter does. */
  readonly redisRouting: 'rooms' | 'pattern';
  /** What the messages over Redis are signed with; undefined means not at all. Never print it. */
  readonly redisSigningKey: string | undefined;
  /** How long the first process of a cluster waits for Redis. */
  readonly redisConnectTimeoutMs: number;
  /** While Redis is away, how long a message waits for it before it is too old to be told. */
  readonly redisQueueAgeMs: number;
  readonly heartbeatIntervalMs: number;
  /** How long the fleet waits for a leader that is not heard of any more. */
  readonly leaseMs: number;
  /** Where the lease is kept; undefined means with the messages. May hold a password: never print it. */
  readonly leaseRedisUrl: string | undefined;
  /** How long an ending may take before what is left is cut. */
  readonly shutdownTimeoutMs: number;
  /** How many bytes may wait in a worker for one client. */
  readonly clientBufferBytes: number;
  /** How long a byte may wait there. */
  readonly clientBufferAgeMs: number;
  /** Over how long the clients are let go when the whole cluster ends. */
  readonly shutdownDrainMs: number;
  /** Over how long a worker lets its clients go while others stay. */
  readonly drainMs: number;
  /** How many slots a phased restart replaces at a time; undefined means all. */
  readonly reloadBatch: number | undefined;
  /** How long a worker may be silent before it counts as hanging. */
  readonly workerTimeoutMs: number;
  /** How long a worker may take to become ready. */
  readonly bootTimeoutMs: number;
  /** How many failures of workers are forgiven within the window. */
  readonly restartBudget: number;
  readonly restartWindowMs: number;
  /** After this time as ready, a worker's earlier failures no longer count. */
  readonly restartHealthyMs: number;
  /** With fewer ready workers than this and a spent budget, the primary ends. */
  readonly quorum: number;
  /** The age at which a worker is replaced; undefined means never. */
  readonly workerMaxAgeMs: number | undefined;
  /** The resident memory at which a worker is replaced; undefined means never. */
  readonly workerMaxRssBytes: number | undefined;
  /** Where `ctl` reaches the primary; undefined means the default for this user and port. */
  readonly controlSocket: string | undefined;
  readonly runtimeFolder: string | undefined;
  readonly systemd: { readonly socket: string | undefined; readonly watchdogMs: number | undefined };
  readonly logLevel: LogLevel;
  readonly logFormat: 'text' | 'json';
  /** The name of this host, as clients see it in `welcome`. */
  readonly hostName: string;
  /** Whether clients of Socket.IO 2 may connect. */
  readonly allowEio3: boolean;
  /** Where this host's workers are reached from the fleet's other hosts; undefined where they are not. */
  readonly advertiseUrl: string | undefined;
  /** Set by the primary for a worker, never by hand. */
  readonly slot: number | undefined;
  /** Likewise: what it needs to know for sessions that live on other workers. */
  readonly sessions: z.infer<typeof workerSessions> | undefined;
}

/** What the primary tells a worker about sessions, in one variable. */
const workerSessions = z.object({
  /** The host's tag in session ids. */
  host: z.string(),
  /** What the host seals with, in base64. */
  key: z.string(),
  /** Where the host's workers have their private sockets. */
  folder: z.string(),
});

const logLevels = ['fatal', 'error', 'warn', 'log', 'debug', 'verbose'] as const;
export type LogLevel = (typeof logLevels)[number];

interface Variable<T> {
  readonly schema: z.ZodType<T>;
  /** Completes the sentence "expected …". */
  readonly expected: string;
  /** What may be said of a value that may hold a password; any other is quoted. */
  readonly describe?: (value: string) => string;
  /** Whether it may not be left out. */
  readonly isNeeded?: boolean;
}

/**
 * Reads and validates the environment. An empty value counts as unset.
 *
 * @throws ConfigError that names the first variable that is wrong, what was expected and what came.
 * @throws ListenModeError when LISTEN asks for what this Node cannot do.
 */
export function readConfig(env: NodeJS.ProcessEnv = process.env): Config {
  const read = <T>(name: string, variable: Variable<T>): T | undefined => readVariable(env, name, variable);

  const redisMode = read('REDIS_MODE', oneOf(['single', 'sharded'])) ?? 'single';
  const isSharded = redisMode === 'sharded';

  const config: Config = {
    port: read('PORT', wholeNumber(0, 65_535)) ?? 3000,
    host: read('HOST', text(/^[\w.:%-]{1,255}$/, 'a host name or an IP address')),
    listen: chooseListenMode(
      read('LISTEN', oneOf(['auto', 'reuse-port', 'round-robin'])) ?? 'auto',
      process.versions.node,
      process.platform,
    ),
    workers: read('WORKERS', wholeNumber(1, 1024)) ?? availableCores(),
    redisUrl: read('REDIS_URL', isSharded ? needed(clusterUrl) : redisUrl),
    redisMode,
    redisTls: readRedisTls(read),
    redisSentinelPassword: read('REDIS_SENTINEL_PASSWORD', password),
    redisKey: read('REDIS_KEY', text(/^[^\s#]{1,128}$/, 'up to 128 characters without spaces or "#"')) ?? 'socket.io',
    redisRouting: read('REDIS_ROUTING', isSharded ? roomsAlone : oneOf(['rooms', 'pattern'])) ?? 'rooms',
    redisSigningKey: read('REDIS_SIGNING_KEY', signingKey),
    redisConnectTimeoutMs: read('REDIS_CONNECT_TIMEOUT_MS', milliseconds(100)) ?? 10_000,
    redisQueueAgeMs: read('REDIS_QUEUE_AGE_MS', milliseconds(0)) ?? 5_000,
    heartbeatIntervalMs: read('HEARTBEAT_INTERVAL_MS', milliseconds(10)) ?? 1_000,
    leaseMs: read('LEASE_MS', milliseconds(500, 3_600_000)) ?? 5_000,
    leaseRedisUrl: read('LEASE_REDIS_URL', isSharded ? needed(redisUrl) : redisUrl),
    shutdownTimeoutMs: read('SHUTDOWN_TIMEOUT_MS', milliseconds(100)) ?? 5_000,
    shutdownDrainMs: read('SHUTDOWN_DRAIN_MS', milliseconds(0)) ?? 0,
    clientBufferBytes: read('CLIENT_BUFFER_BYTES', wholeNumber(leastBufferBytes, mostBufferBytes)) ?? 2 ** 20,
    clientBufferAgeMs: read('CLIENT_BUFFER_AGE_MS', milliseconds(leastBufferAgeMs, mostBufferAgeMs)) ?? 30_000,
    drainMs: read('DRAIN_MS', milliseconds(0)) ?? 10_000,
    reloadBatch: read('RELOAD_BATCH', wholeNumber(1, 1024)),
    workerTimeoutMs: read('WORKER_TIMEOUT_MS', milliseconds(2_000)) ?? 30_000,
    bootTimeoutMs: read('BOOT_TIMEOUT_MS', milliseconds(100)) ?? 60_000,
    restartBudget: read('RESTART_BUDGET', wholeNumber(0, 1_000_000)) ?? 20,
    restartWindowMs: read('RESTART_WINDOW_MS', milliseconds(1)) ?? 60_000,
    restartHealthyMs: read('RESTART_HEALTHY_MS', milliseconds(1)) ?? 30_000,
    quorum: read('QUORUM', wholeNumber(0, 1024)) ?? 1,
    workerMaxAgeMs: read('WORKER_MAX_AGE_MS', milliseconds(1_000)),
    workerMaxRssBytes: megabytes(read('WORKER_MAX_RSS_MB', wholeNumber(1, 1_000_000))),
    controlSocket: read('CONTROL_SOCKET', socketPath),
    runtimeFolder: env['XDG_RUNTIME_DIR'] || undefined,
    systemd: {
      socket: env['NOTIFY_SOCKET'] || undefined,
      watchdogMs: microseconds(read('WATCHDOG_USEC', wholeNumber(1, Number.MAX_SAFE_INTEGER))),
    },
    logLevel: read('LOG_LEVEL', oneOf(logLevels)) ?? 'log',
    logFormat: read('LOG_FORMAT', oneOf(['text', 'json'])) ?? 'text',
    hostName: read('HOST_NAME', text(/^[^\s]{1,255}$/, 'up to 255 characters without spaces')) ?? os.hostname(),
    allowEio3: read('ALLOW_EIO3', oneOf(['true', 'false'])) === 'true',
    advertiseUrl: read('ADVERTISE_URL', advertiseUrl),
    slot: read('WORKER_SLOT', wholeNumber(1, 1_000_000)),
    sessions: read('WORKER_SESSIONS', json(workerSessions)),
  };
  refuseUnencrypted(config.redisTls, config.redisUrl, config.leaseRedisUrl);
  return config;
}

/** How Redis is reached; undefined where messages stay on one host. */
export function redisOf(config: Config): (RedisAccess & { readonly mode: Config['redisMode'] }) | undefined {
  const { redisUrl: url, redisMode: mode, redisTls: tls, redisSentinelPassword: sentinelPassword } = config;
  return url === undefined ? undefined : { url, mode, tls, sentinelPassword };
}

/** How the Redis of the lease is reached; undefined where there is none. */
export function leaseRedisOf(config: Config): RedisAccess | undefined {
  const { leaseRedisUrl = config.redisUrl, redisTls: tls, redisSentinelPassword: sentinelPassword } = config;
  return leaseRedisUrl === undefined ? undefined : { url: leaseRedisUrl, tls, sentinelPassword };
}

function megabytes(value: number | undefined): number | undefined {
  return value === undefined ? undefined : value * 2 ** 20;
}

function microseconds(value: number | undefined): number | undefined {
  return value === undefined ? undefined : value / 1_000;
}

function readVariable<T>(
  env: NodeJS.ProcessEnv,
  name: string,
  { schema, expected, describe = JSON.stringify, isNeeded }: Variable<T>,
) {
  const value = env[name];
  if (value === undefined || value === '') {
    if (isNeeded) throw new ConfigError(name, expected, 'nothing');
    return undefined;
  }
  const result = schema.safeParse(value);
  if (!result.success) throw new ConfigError(name, expected, describe(value));
  return result.data;
}

function wholeNumber(min: number, max: number): Variable<number> {
  return {
    schema: z.string().regex(/^\d+$/).transform(Number).pipe(z.int().min(min).max(max)),
    expected: `a whole number from ${min} to ${max}`,
  };
}

/** Node fires a timer at once whose delay does not fit into 31 bits. */
function milliseconds(min: number, max = 2 ** 31 - 1): Variable<number> {
  return { ...wholeNumber(min, max), expected: `a whole number of milliseconds from ${min} to ${max}` };
}

function text(pattern: RegExp, expected: string): Variable<string> {
  return { schema: z.string().regex(pattern), expected };
}

type Read = <T>(name: string, variable: Variable<T>) => T | undefined;

/** Files for TLS and a URL without it: what should be secret would be read by anybody. */
function refuseUnencrypted(
  redisTls: RedisTls | undefined,
  url: string | undefined,
  leaseUrl: string | undefined,
): void {
  if (!redisTls || [url, leaseUrl].some((given) => given?.startsWith('rediss'))) return;
  const got = url === undefined ? 'nothing' : describeUrl(url);
  throw new ConfigError('REDIS_URL', 'rediss:// or rediss-sentinel:// where REDIS_TLS_… is set', got);
}

function readRedisTls(read: Read): RedisTls | undefined {
  const ca = read('REDIS_TLS_CA', pemFile);
  const key = read('REDIS_TLS_KEY', pemFile);
  const cert = read('REDIS_TLS_CERT', key === undefined ? pemFile : needed(pemFile));
  if (cert !== undefined && key === undefined) read('REDIS_TLS_KEY', needed(pemFile));
  const serverName = read('REDIS_TLS_SERVER_NAME', text(/^[\w.-]{1,255}$/, 'a host name'));
  return [ca, key, cert, serverName].some((given) => given !== undefined) ? { ca, key, cert, serverName } : undefined;
}

/** Read at once, so that a file that is not there ends the program and not its connections. */
const pemFile: Variable<string> = {
  schema: z.string().transform((file, { issues }) => {
    try {
      const content = readFileSync(file, 'utf8');
      if (content.includes('-----BEGIN ')) return content;
    } catch {
      // Said below as well.
    }
    issues.push({ code: 'custom', message: 'no PEM', input: file });
    return z.NEVER;
  }),
  expected: 'a file in PEM that this process can read',
};

function needed<T>(variable: Variable<T>): Variable<T> {
  return { ...variable, isNeeded: true };
}

/** What the system takes as the address of a unix socket. */
const socketPath: Variable<string> = {
  schema: z.string().refine((value) => !value.includes('\0') && Buffer.byteLength(value) <= 103),
  expected: 'a path of at most 103 bytes',
};

function oneOf<const T extends readonly string[]>(values: T): Variable<T[number]> {
  return { schema: z.enum(values), expected: values.map((value) => `"${value}"`).join(', ') };
}

function json<T>(schema: z.ZodType<T>): Variable<T> {
  const parsed = z.string().transform((value, { issues }) => {
    try {
      return JSON.parse(value) as unknown;
    } catch {
      issues.push({ code: 'custom', message: 'no JSON', input: value });
      return z.NEVER;
    }
  });
  return { schema: parsed.pipe(schema), expected: 'what the primary sets', describe: describeUrl };
}

const advertiseUrl: Variable<string> = {
  schema: z.string().refine(isOrigin),
  expected: 'http://host[:port] or https://host[:port], as the other hosts reach this one',
  describe: describeUrl,
};

function isOrigin(value: string): boolean {
  const url = parseUrl(value);
  if (!url || !/^https?:$/.test(url.protocol) || url.username !== '' || url.password !== '') return false;
  return url.pathname === '/' && url.search === '' && url.hash === '';
}

const signingKey: Variable<string> = {
  schema: z.string().min(16),
  expected: 'at least 16 characters',
  describe: ({ length }) => `${length}`,
};

const redisUrl: Variable<string> = {
  schema: z.string().refine((value) => isRedisUrl(value) || parseSentinelUrl(value) !== undefined),
  expected:
    'redis://[user:password@]host[:port][/db] or redis-sentinel://[user:password@]host[:port][,host…]/master[/db], ' +
    'or the same with rediss',
  describe: describeUrl,
};

const password: Variable<string> = {
  schema: z.string(),
  expected: 'a password',
  describe: ({ length }) => `${length} characters`,
};

const clusterUrl: Variable<string> = {
  schema: z.string().refine((value) => parseClusterUrl(value) !== undefined),
  expected: 'redis://[user:password@]host[:port][,host[:port]…] or the same with rediss, where REDIS_MODE is "sharded"',
  describe: describeUrl,
};

/** A shard knows channels by their names alone. */
const roomsAlone: Variable<'rooms'> = {
  schema: z.literal('rooms'),
  expected: '"rooms" where REDIS_MODE is "sharded"',
};

function isRedisUrl(value: string): boolean {
  const url = parseUrl(value);
  return (
    url !== undefined &&
    /^rediss?:$/.test(url.protocol) &&
    /^[^,]+$/.test(url.hostname) &&
    /^\/?\d*$/.test(url.pathname)
  );
}

/** A URL without what could be secret in it; of what is no URL only the length, since a password may stand anywhere. */
function describeUrl(value: string): string {
  const url = parseUrl(value);
  return url?.host
    ? `"${url.protocol}//${url.host}${url.pathname}"`
    : `${value.length} characters that are no such URL`;
}

/** A password with "/", "?" or "#" belongs percent-encoded: as it stands, it ends up in the host or the path. */
function parseUrl(value: string): URL | undefined {
  if (!URL.canParse(value)) return undefined;
  const url = new URL(value);
  const misplaced = value.includes('@') && url.username === '' && url.password === '';
  return misplaced ? undefined : url;
}
