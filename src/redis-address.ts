import type { Socket } from 'node:net';
import { type ConnectionOptions } from 'node:tls';
import { Redis, type RedisOptions, SentinelConnector } from 'ioredis';

/** How a Redis is reached. Never print it: all of it may be secret. */
export interface RedisAccess {
  /**
   * `redis://[user:password@]host[:port][/db]`, with Sentinel
   * `redis-sentinel://[user:password@]host[:port][,host[:port]…]/master[/db]`, where the hosts are those of the
   * sentinels and the user is Redis'; each with TLS as `rediss…`. What is no letter or digit in a user or a password is
   * percent-encoded.
   */
  readonly url: string;
  /** For `rediss://` and `rediss-sentinel://`. */
  readonly tls?: RedisTls | undefined;
  /** What the sentinels themselves ask for. */
  readonly sentinelPassword?: string | undefined;
}

/** What a connection with TLS goes by; Node's own authorities where there is nothing of it. */
export interface RedisTls {
  /** The authorities that may have signed the server's certificate, in PEM. */
  readonly ca?: string | undefined;
  /** What this side shows of itself, in PEM. */
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  /** The name that the server's certificate must have, where it is not the host of the URL. */
  readonly serverName?: string | undefined;
}

export interface HostAndPort {
  readonly host: string;
  readonly port: number;
}

interface RedisHosts {
  readonly isEncrypted: boolean;
  readonly username: string | undefined;
  readonly password: string | undefined;
  readonly hosts: readonly HostAndPort[];
}

export interface SentinelAddress extends RedisHosts {
  /** The name under which the sentinels know the primary. */
  readonly master: string;
  readonly db: number;
}

const defaultPorts = { redis: 6379, sentinel: 26_379 };

/** Sentinels that are away are tried again after this time, to hear of a failover. */
const sentinelRetryMs = 5_000;

/** A sentinel that is silent is passed over after this time: nothing else ends the question. */
const sentinelAnswerMs = 1_000;

/** How long the end of a connection may take where the other side is silent. */
const disconnectTimeoutMs = 500;

type ToSentinel = (endpoint: HostAndPort, options?: RedisOptions) => Redis;

/** What ioredis listens to the sentinels with, and how it says that it has heard of a failover. */
interface FailoverDetector {
  readonly isDisconnected: boolean;
  cleanup(): void;
}

/**
 * ioredis waits for ever for a sentinel that is silent, prints the errors of those that it listens to, and lets a
 * subscription that it makes there again reject unheard, which would end the process. And where it hears of a failover
 * while it asks the sentinels, it takes that for the end that somebody wants, and never connects again.
 */
class SentinelWay extends SentinelConnector {
  private heeded: FailoverDetector | undefined;

  constructor(options: unknown) {
    super(options as ConstructorParameters<typeof SentinelConnector>[0]);
    const inside = this as unknown as { connectToSentinel: ToSentinel };
    const connectTo = inside.connectToSentinel.bind(this);
    inside.connectToSentinel = (endpoint, listening) => {
      const own = listening ? { ...listening, autoResubscribe: false } : { commandTimeout: sentinelAnswerMs };
      const client = connectTo(endpoint, own);
      client.on('error', () => {});
      if (listening) client.on('ready', () => void client.subscribe('+switch-master').catch(() => {}));
      return client;
    };
  }

  override disconnect(): void {
    const { failoverDetector: detector, stream } = this as unknown as {
      readonly failoverDetector: FailoverDetector | null;
      readonly stream?: Socket;
    };
    const isFailover = detector?.isDisconnected === true && detector !== this.heeded;
    if (isFailover) this.heeded = detector;
    // There is no connection to leave, and who is the primary is being asked.
    if (isFailover && (!stream || stream.destroyed)) detector.cleanup();
    else super.disconnect();
  }
}

/** Opens a connection to the Redis at this address, or to the one that the sentinels call the primary. */
export function openRedis(access: RedisAccess, options: RedisOptions): Redis {
  const sentinels = parseSentinelUrl(access.url);
  if (!sentinels) return new Redis(access.url, { ...options, ...encryption(/^rediss:/i.test(access.url), access.tls) });
  const { isEncrypted, username, password, hosts, master, db } = sentinels;
  const tls = encryption(isEncrypted, access.tls);
  return new Redis({
    ...options,
    ...tls,
    ...(tls.tls && { sentinelTLS: tls.tls, enableTLSForSentinelMode: true }),
    sentinels: [...hosts],
    name: master,
    db,
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password }),
    ...(access.sentinelPassword !== undefined && { sentinelPassword: access.sentinelPassword }),
    // A primary that is frozen or cut off would keep its connections, and what is published there goes nowhere.
    failoverDetector: true,
    sentinelReconnectStrategy: () => sentinelRetryMs,
    Connector: SentinelWay,
    disconnectTimeout: disconnectTimeoutMs,
  });
}

/** Opens a connection to one node of a cluster, as the cluster's URL says. */
export function openClusterNode(access: RedisAccess, node: HostAndPort, options: RedisOptions): Redis {
  const { isEncrypted, username, password } = parseClusterUrl(access.url)!;
  return new Redis({
    ...options,
    ...node,
    ...encryption(isEncrypted, access.tls),
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password }),
    disconnectTimeout: disconnectTimeoutMs,
  });
}

/** Returns nothing where it is none. */
export function parseSentinelUrl(url: string): SentinelAddress | undefined {
  const parts = /^redis(s?)-sentinel:\/\/(?:([^@/?#]*)@)?([^@/?#]+)\/([\w.-]+)(?:\/(\d*))?$/i.exec(url);
  if (!parts) return undefined;
  const [, secure, user, hosts, master, db] = parts;
  const found = hostsAndUser(secure!, user, hosts!, defaultPorts.sentinel);
  return found && { ...found, master: master!, db: Number(db ?? 0) };
}

/** Returns nothing where it names no nodes of a cluster. */
export function parseClusterUrl(url: string): RedisHosts | undefined {
  const parts = /^redis(s?):\/\/(?:([^@/?#]*)@)?([^@/?#]+)(?:\/0?)?$/i.exec(url);
  return parts ? hostsAndUser(parts[1]!, parts[2], parts[3]!, defaultPorts.redis) : undefined;
}

function hostsAndUser(secure: string, user: string | undefined, list: string, port: number): RedisHosts | undefined {
  const hosts = list.split(',').map((item) => readHost(item, port));
  const [username, password] = user?.split(/:(.*)/s).map(decoded) ?? [];
  if (!hosts.every((host) => host !== undefined) || username === null || password === null) return undefined;
  return { isEncrypted: secure !== '', username: username || undefined, password: password || undefined, hosts };
}

function readHost(item: string, defaultPort: number): HostAndPort | undefined {
  const [, host, port] = /^(\[[\da-f:.]+\]|[\w.-]+)(?::(\d{1,5}))?$/i.exec(item) ?? [];
  const number = port === undefined ? defaultPort : Number(port);
  if (host === undefined || number < 1 || number > 65_535) return undefined;
  return { host: host.replace(/^\[|\]$/g, ''), port: number };
}

/** Null where it is not encoded as it should be. */
function decoded(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}

function encryption(isEncrypted: boolean, { serverName, ...files }: RedisTls = {}): { tls?: ConnectionOptions } {
  if (!isEncrypted) return {};
  return { tls: { ...files, ...(serverName !== undefined && { servername: serverName }) } };
}
