import { randomUUID } from 'node:crypto';
import { Logger } from '@nestjs/common';
import type { Carrier } from './carrier.js';
import { EmbeddedCarrier } from './carrier/embedded.carrier.js';
import { EmbeddedHub } from './carrier/embedded-hub.js';
import { FallbackCarrier } from './carrier/fallback.carrier.js';
import { ipcLink } from './carrier/ipc-link.js';
import { localLink } from './carrier/local-link.js';
import { RedisCarrier } from './carrier/redis.carrier.js';
import { signedWith } from './carrier/signed.carrier.js';
import { ShardedCarrier } from './carrier/sharded.carrier.js';
import { type Config, redisOf } from './config.js';
import type { IpcEnd } from './ipc.js';

/** A worker does not wait longer for Redis: until that is there, it serves with the workers of its host. */
const workerWaitMs = 1_000;

/** The carrier of a process that others of its host may join. */
export interface HostCarrier {
  readonly carrier: Carrier;
  /** Joins a worker, until the returned function is called. */
  readonly attach: (worker: IpcEnd) => () => void;
}

/**
 * Opens the carrier of the first process of a host: embedded or, with REDIS_URL, Redis with the embedded one to fall
 * back on. Over a cluster of Redis there is no falling back: of its shards one may be away and the others not.
 *
 * @param host names the host, as its workers name it too.
 * @throws RedisUnreachableError when Redis is not there: what is wrong at the start is more likely its address.
 */
export async function openHostCarrier(config: Config, host: string = randomUUID()): Promise<HostCarrier> {
  const hub = new EmbeddedHub();
  const link = localLink();
  hub.attach(link.hub);
  const embedded = new EmbeddedCarrier(link.process);
  const attach: HostCarrier['attach'] = (worker) => hub.attach(ipcLink(worker));
  const remote = remoteOf(config);
  if (!remote) return { carrier: embedded, attach };
  await remote.connect(config.redisConnectTimeoutMs);
  return { carrier: carrierOver(config, remote, embedded, host), attach };
}

/** Opens the carrier of a worker. Redis may be away: the primary has seen that its address is right. */
export async function openWorkerCarrier(config: Config): Promise<Carrier> {
  const embedded = new EmbeddedCarrier(ipcLink(process));
  const remote = remoteOf(config);
  if (!remote) return embedded;
  await remote.connect(workerWaitMs).catch((error: Error) => {
    new Logger('Worker').warn(`${error.message} Until then it serves with the workers of its host.`);
  });
  const host = config.sessions?.host ?? randomUUID();
  return carrierOver(config, remote, embedded, host);
}

type Remote = RedisCarrier | ShardedCarrier;

function remoteOf(config: Config): Remote | undefined {
  const redis = redisOf(config);
  if (!redis) return undefined;
  if (redis.mode === 'sharded') return new ShardedCarrier(redis);
  return new RedisCarrier({ ...redis, key: config.redisKey, queueAgeMs: config.redisQueueAgeMs });
}

function carrierOver({ redisKey, redisSigningKey }: Config, remote: Remote, embedded: Carrier, host: string): Carrier {
  const carrier =
    remote instanceof RedisCarrier ? new FallbackCarrier(remote, embedded, { host, key: redisKey }) : remote;
  return signedWith(redisSigningKey, carrier);
}
