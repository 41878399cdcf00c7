import { once } from 'node:events';
import type { Redis } from 'ioredis';
import { openRedis, type RedisAccess } from '../redis-address.js';
import type { Term } from '../term.js';
import { type LeaseRecord, type TakeoverReason, takeoverReasons } from './lease-record.js';
import { claimAheadMs, type JobRecord, type LeaseAnswer, type LeaseStore } from './lease-store.js';

/**
 * The same as `applyRequest`, on one hash, so that it is one slot of a Redis Cluster. The hash does not expire, since
 * the counter in it must not begin again; when the lease ends is a field.
 */
const leaseScript = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local found = redis.call('HMGET', KEYS[1], 'counter', 'holder', 'until', 'since', 'why', 'lease')
local counter, holder = tonumber(found[1] or 0), found[2] or ''
local ends, since, why = tonumber(found[3] or 0), tonumber(found[4] or 0), found[5] or 'first'
local granted = tonumber(found[6] or 0)
local request, by, leaseMs, number = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
local held = 0
if request == 'acquire' then
  if ends > now + granted then
    ends = now + granted
    redis.call('HSET', KEYS[1], 'until', ends)
  end
  if ends <= now or holder == by then
    if number > counter then why = 'counter lost'
    elseif counter == 0 then why = 'first'
    elseif holder == '' then why = 'released'
    else why = 'expired' end
    counter, holder, ends, since, held = math.max(counter, number) + 1, by, now + leaseMs, now, 1
    granted = leaseMs
    redis.call('HSET', KEYS[1], 'counter', counter, 'holder', holder, 'until', ends, 'lease', leaseMs, 'since', since, 'why', why)
  end
elseif holder == by and counter == number then
  if request == 'renew' then
    ends, granted, held = now + leaseMs, leaseMs, 1
    redis.call('HSET', KEYS[1], 'until', ends, 'lease', leaseMs)
  else
    holder, ends = '', 0
    redis.call('HSET', KEYS[1], 'holder', '', 'until', 0)
  end
end
return { held, counter, holder, tostring(ends), tostring(since), why, time[1], time[2], tostring(granted) }`;

/**
 * As `MemoryLeaseStore` has it. A due time that is far ahead of the server's clock was written by a clock that was wrong,
 * or before this one was set back, and must not keep the job from running.
 */
const claimScript = `
local now = redis.call('TIME')[1] * 1000
local latest = now + tonumber(ARGV[5])
local found = redis.call('HMGET', KEYS[1], 'counter', 'holder', ARGV[3])
if tonumber(found[1] or 0) ~= tonumber(ARGV[1]) or found[2] ~= ARGV[2] then return 0 end
if ARGV[4] == '' then return 1 end
local due, done = tonumber(ARGV[4]), tonumber(found[3])
if due > latest or (done and done >= due and done <= latest) then return 0 end
redis.call('HSET', KEYS[1], ARGV[3], ARGV[4])
return 1`;

const duePrefix = 'due:';
const lastPrefix = 'last:';
const longestRetryMs = 500;
const quitMs = 250;

export interface RedisLeaseStoreOptions {
  readonly redis: RedisAccess;
  readonly key: string;
  /** After which time a command that is not answered has failed. */
  readonly commandTimeoutMs: number;
}

type Commands = {
  fleetLease(key: string, request: string, by: string, leaseMs: number, counter: number): Promise<unknown[]>;
  fleetClaim(
    key: string,
    counter: number,
    holder: string,
    field: string,
    due: number | '',
    aheadMs: number,
  ): Promise<number>;
};

/** The lease of a fleet in Redis 5 or newer. */
export class RedisLeaseStore implements LeaseStore {
  private readonly redis: Redis & Commands;
  private readonly key: string;

  /** It goes on trying for a Redis that is away; meanwhile every request fails. */
  constructor({ redis, key, commandTimeoutMs }: RedisLeaseStoreOptions) {
    this.key = `${key}:lease`;
    this.redis = openRedis(redis, {
      enableOfflineQueue: false,
      // What was on its way when the connection broke may have been done already.
      autoResendUnfulfilledCommands: false,
      maxRetriesPerRequest: 0,
      keepAlive: 10_000,
      connectTimeout: 2_000,
      commandTimeout: commandTimeoutMs,
      // After a failover the same address may lead to a replica, which takes no lease.
      reconnectOnError: ({ message }) => message.startsWith('READONLY'),
      retryStrategy: (attempt) => Math.min(longestRetryMs, 20 * 2 ** Math.min(attempt, 6)),
      scripts: {
        fleetLease: { lua: leaseScript, numberOfKeys: 1 },
        fleetClaim: { lua: claimScript, numberOfKeys: 1 },
      },
    }) as Redis & Commands;
    // The carrier says when Redis is away; here each request fails by itself.
    this.redis.on('error', () => {});
  }

  /** Resolves once Redis answers, or this time has passed. */
  async connected(timeoutMs: number): Promise<void> {
    if (this.redis.status === 'ready') return;
    await once(this.redis, 'ready', { signal: AbortSignal.timeout(timeoutMs) }).catch(() => {});
  }

  acquire(holder: string, leaseMs: number, atLeast: number): Promise<LeaseAnswer> {
    return this.ask('acquire', holder, leaseMs, atLeast);
  }

  renew({ counter, holder }: Term, leaseMs: number): Promise<LeaseAnswer> {
    return this.ask('renew', holder, leaseMs, counter);
  }

  release({ counter, holder }: Term): Promise<LeaseAnswer> {
    return this.ask('release', holder, 0, counter);
  }

  async claim({ counter, holder }: Term, job: string, due: number): Promise<boolean> {
    return (await this.redis.fleetClaim(this.key, counter, holder, duePrefix + job, due, claimAheadMs)) === 1;
  }

  async holds({ counter, holder }: Term): Promise<boolean> {
    return (await this.redis.fleetClaim(this.key, counter, holder, duePrefix, '', claimAheadMs)) === 1;
  }

  async know(job: string, since: number): Promise<void> {
    await this.redis.hsetnx(this.key, duePrefix + job, since);
  }

  async note(job: string, outcome: string): Promise<void> {
    await this.redis.hset(this.key, lastPrefix + job, outcome);
  }

  async jobs(): Promise<ReadonlyMap<string, JobRecord>> {
    const fields = await this.redis.hgetall(this.key);
    const names = Object.keys(fields).flatMap((field) => /^(?:due|last):(.*)$/s.exec(field)?.[1] ?? []);
    return new Map(
      names.map((name) => {
        const due = fields[duePrefix + name];
        return [name, { due: due === undefined ? undefined : Number(due), last: fields[lastPrefix + name] }];
      }),
    );
  }

  /** Bounded in time, also while Redis is down. */
  async close(): Promise<void> {
    if (this.redis.status === 'ready') {
      const late = setTimeout(() => this.redis.disconnect(), quitMs);
      await this.redis.quit().catch(() => {});
      clearTimeout(late);
    }
    this.redis.disconnect();
  }

  private async ask(request: string, by: string, leaseMs: number, counter: number): Promise<LeaseAnswer> {
    return toAnswer(await this.redis.fleetLease(this.key, request, by, leaseMs, counter));
  }
}

function toAnswer([held, counter, holder, until, since, why, seconds, microseconds, granted]: unknown[]): LeaseAnswer {
  const record: LeaseRecord = {
    counter: Number(counter),
    holder: String(holder),
    until: Number(until),
    leaseMs: Number(granted),
    since: Number(since),
    why: takeoverReasons.find((reason) => reason === why) ?? ('expired' satisfies TakeoverReason),
  };
  return { held: held === 1, record, serverTime: Number(seconds) * 1_000 + Number(microseconds) / 1_000 };
}
