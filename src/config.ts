import os from 'node:os';
import { z } from 'zod';
import { ConfigError } from './errors.js';

/** What the environment says, read once and validated. Every duration is in milliseconds. */
export interface Config {
  /** Where the workers listen; 0 takes a free port, the same for all. */
  readonly port: number;
  /** The address to listen on; undefined means all interfaces. */
  readonly host: string | undefined;
  /** How many workers the primary keeps. */
  readonly workers: number;
  /** Where Redis is; undefined means the embedded carrier. May hold a password: never print it. */
  readonly redisUrl: string | undefined;
  /** Prefix of every Redis channel and key, as `key` of the official adapter and emitters. */
  readonly redisKey: string;
  /** `rooms`: a worker subscribes to the rooms it holds. `pattern`: to everything, as the official adapter does. */
  readonly redisRouting: 'rooms' | 'pattern';
  /** How long the first process of a cluster waits for Redis. */
  readonly redisConnectTimeoutMs: number;
  readonly heartbeatIntervalMs: number;
  /** How long an ending may take before what is left is cut. */
  readonly shutdownTimeoutMs: number;
  readonly logLevel: LogLevel;
  readonly logFormat: 'text' | 'json';
  /** The name of this host, as clients see it in `welcome`. */
  readonly hostName: string;
  /** Set by the primary for a worker, never by hand. */
  readonly slot: number | undefined;
}

const logLevels = ['fatal', 'error', 'warn', 'log', 'debug', 'verbose'] as const;
export type LogLevel = (typeof logLevels)[number];

interface Variable<T> {
  readonly schema: z.ZodType<T>;
  /** Completes the sentence "expected …". */
  readonly expected: string;
  /** Whether the value may hold a password. */
  readonly secret?: boolean;
}

/**
 * Reads and validates the environment. An empty value counts as unset.
 *
 * @throws ConfigError that names the first variable that is wrong, what was expected and what came.
 */
export function readConfig(env: NodeJS.ProcessEnv = process.env): Config {
  const read = <T>(name: string, variable: Variable<T>): T | undefined => readVariable(env, name, variable);

  return {
    port: read('PORT', wholeNumber(0, 65_535)) ?? 3000,
    host: read('HOST', text(/^[\w.:%-]{1,255}$/, 'a host name or an IP address')),
    workers: read('WORKERS', wholeNumber(1, 1024)) ?? os.availableParallelism(),
    redisUrl: read('REDIS_URL', redisUrl),
    redisKey: read('REDIS_KEY', text(/^[^\s#]{1,128}$/, 'up to 128 characters without spaces or "#"')) ?? 'socket.io',
    redisRouting: read('REDIS_ROUTING', oneOf(['rooms', 'pattern'])) ?? 'rooms',
    redisConnectTimeoutMs: read('REDIS_CONNECT_TIMEOUT_MS', milliseconds(100)) ?? 10_000,
    heartbeatIntervalMs: read('HEARTBEAT_INTERVAL_MS', milliseconds(10)) ?? 1_000,
    shutdownTimeoutMs: read('SHUTDOWN_TIMEOUT_MS', milliseconds(100)) ?? 5_000,
    logLevel: read('LOG_LEVEL', oneOf(logLevels)) ?? 'log',
    logFormat: read('LOG_FORMAT', oneOf(['text', 'json'])) ?? 'text',
    hostName: read('HOST_NAME', text(/^[^\s]{1,255}$/, 'up to 255 characters without spaces')) ?? os.hostname(),
    slot: read('WORKER_SLOT', wholeNumber(1, 1_000_000)),
  };
}

function readVariable<T>(env: NodeJS.ProcessEnv, name: string, { schema, expected, secret }: Variable<T>) {
  const value = env[name];
  if (value === undefined || value === '') return undefined;
  const result = schema.safeParse(value);
  if (!result.success) throw new ConfigError(name, expected, secret ? describeSecret(value) : JSON.stringify(value));
  return result.data;
}

function wholeNumber(min: number, max: number): Variable<number> {
  return {
    schema: z.string().regex(/^\d+$/).transform(Number).pipe(z.int().min(min).max(max)),
    expected: `a whole number from ${min} to ${max}`,
  };
}

/** Node fires a timer at once whose delay does not fit into 31 bits. */
function milliseconds(min: number): Variable<number> {
  const max = 2 ** 31 - 1;
  return { ...wholeNumber(min, max), expected: `a whole number of milliseconds from ${min} to ${max}` };
}

function text(pattern: RegExp, expected: string): Variable<string> {
  return { schema: z.string().regex(pattern), expected };
}

function oneOf<const T extends readonly string[]>(values: T): Variable<T[number]> {
  return { schema: z.enum(values), expected: values.map((value) => `"${value}"`).join(', ') };
}

const redisUrl: Variable<string> = {
  schema: z.string().refine(isRedisUrl),
  expected: 'redis://[user:password@]host[:port][/db] or the same with rediss://',
  secret: true,
};

function isRedisUrl(value: string): boolean {
  const url = parseUrl(value);
  return url !== undefined && /^rediss?:$/.test(url.protocol) && url.hostname !== '' && /^\/?\d*$/.test(url.pathname);
}

/** A URL without what could be secret in it; of what is no URL only the length, since a password may stand anywhere. */
function describeSecret(value: string): string {
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
