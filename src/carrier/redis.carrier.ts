import { randomUUID } from 'node:crypto';
import { EventEmitter, once } from 'node:events';
import { setTimeout as elapsed } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import { Carrier, type CarrierHealth, type MessageListener } from '../carrier.js';
import { RedisUnreachableError } from '../errors.js';
import type { RedisAccess } from '../redis-address.js';
import { within } from '../within.js';
import { BandProbe, type Movement } from './band-probe.js';
import { type HeldMessage, HeldMessages } from './held-messages.js';
import { OutageLog } from './outage-log.js';
import { publishLimitBytes, PublishQueue } from './publish-queue.js';
import { openRedisClients, redisAddress, type RedisClients } from './redis-clients.js';
import { refuseReplica, replicaError, roleOf } from './redis-role.js';
import { Subscriptions } from './subscriptions.js';

export type RedisCarrierOptions = RedisOutageOptions &
  (
    | RedisAccess
    /**
     * Connections that a team already has. They stay open when the carrier closes; where Redis is silent they are cut,
     * and connect again by their own `retryStrategy`.
     */
    | RedisClients
  );

export interface RedisOutageOptions {
  /**
   * Begins the name of the channel on which the carrier hears itself.
   * @default "socket.io"
   */
  readonly key?: string;
  /**
   * Time between two probes, in milliseconds.
   * @default 200
   */
  readonly probeIntervalMs?: number;
  /**
   * How long Redis may be silent before it counts as away, in milliseconds.
   * @default 600
   */
  readonly probeTimeoutMs?: number;
  /**
   * While Redis is away, messages wait this long for it, in milliseconds. Older ones are dropped and counted.
   * @default 5_000
   */
  readonly queueAgeMs?: number;
}

/** What is published from here on goes through Redis again. */
export type Commit = () => void;

const limits = {
  /** How long Redis may take to say how many subscribers a channel has. */
  answerMs: 2_000,
  quitMs: 500,
  /** How long an attempt to come back may stand still before the next one. */
  attemptMs: 2_000,
  /**
   * Whoever else was cut off tries again after pauses that grow with the outage. Messages that wait are kept back so long
   * for them, and twice the outage, but no longer than the longest pause takes.
   */
  settleMs: 200,
  longestSettleMs: 1_200,
};

/**
 * Carries messages through Redis: any number of hosts.
 *
 * The official adapter's patterns are not used: each process subscribes to the exact channels that it asks for, on one
 * connection, so that PUBSUB NUMSUB counts processes.
 */
export class RedisCarrier extends Carrier {
  readonly name = 'redis';
  readonly address: string;

  private readonly publisher: Redis;
  private readonly subscriber: Redis;
  private readonly ownsClients: boolean;
  private readonly subscriptions: Subscriptions;
  private readonly listeners = new Set<MessageListener>();
  private readonly picture = new EventEmitter<{
    whole: [];
    closed: [];
    failed: [Error];
    away: [];
    heard: [];
  }>().setMaxListeners(0);
  private readonly unlisten: () => void;
  private state: CarrierHealth['state'] = 'connecting';
  private readonly outages: OutageLog;
  private readonly queue: PublishQueue;
  /** What waits for Redis to come back, or for the answer to a probe that is late. */
  private readonly held: HeldMessages;
  private readonly probe: BandProbe;
  private readonly probeChannel: string;
  private readonly ticker: NodeJS.Timeout;
  private readonly attemptTicks: number;
  private stillTicks = 0;
  /** Whether this attempt has failed, whatever else the connections may still bring. */
  private hasFailed = false;
  private lastSign = '';
  /** Counts the attempts to be whole: what belongs to an earlier one is void. */
  private attempt = 0;
  private wholeAgain: Promise<void> | undefined;
  private takeOver: ((unsent: readonly HeldMessage[]) => void) | undefined;
  private handBack: (commit: Commit) => Promise<void> | void = (commit) => commit();

  constructor(options: RedisCarrierOptions) {
    super();
    const { key = 'socket.io', probeIntervalMs = 200, probeTimeoutMs = 600, queueAgeMs = 5_000 } = options;
    this.probeChannel = `${key}-probe#${randomUUID()}#`;
    this.probe = new BandProbe(Math.ceil(probeTimeoutMs / probeIntervalMs));
    this.attemptTicks = Math.ceil(limits.attemptMs / probeIntervalMs);
    this.held = new HeldMessages(publishLimitBytes, queueAgeMs, (count) => this.outages.lose(count));
    this.ownsClients = 'url' in options;
    ({ publisher: this.publisher, subscriber: this.subscriber } =
      'url' in options ? openRedisClients(options) : options);
    this.address = redisAddress(this.publisher);
    const words = { server: `Redis at ${this.address}`, away: 'cannot be used', back: 'is back' };
    this.outages = new OutageLog(RedisCarrier.name, words);
    this.subscriptions = new Subscriptions(this.subscriber);
    this.subscriptions.want([this.probeChannel]);
    this.queue = new PublishQueue(this.publisher, ({ message }) => this.lose(message));
    this.unlisten = this.listenToClients();
    this.ticker = setInterval(() => this.tick(), probeIntervalMs).unref();
  }

  /**
   * Opens the connections, or waits for those that were handed over.
   *
   * @throws RedisUnreachableError when Redis cannot be used within `timeoutMs`. The carrier goes on trying until it
   * is closed, so a process that can serve without Redis may ignore this.
   */
  async connect(timeoutMs: number): Promise<void> {
    for (const client of [this.publisher, this.subscriber]) {
      // A failed attempt is an `error` event as well, and is tried again.
      if (client.status === 'wait') client.connect().catch(() => {});
    }
    if (this.state === 'connected') return;
    const given = AbortSignal.timeout(timeoutMs);
    let reason: Error | undefined;
    const noteReason = (error: Error): void => void (reason = error);
    this.picture.on('failed', noteReason);
    try {
      const whole = once(this.picture, 'whole', { signal: given });
      if (this.isUsable()) void this.makeWhole();
      await whole;
    } catch {
      throw new RedisUnreachableError(this.address, timeoutMs, { cause: reason && withoutCommand(reason) });
    } finally {
      this.picture.off('failed', noteReason);
    }
  }

  get health(): CarrierHealth {
    return { state: this.state, lost: this.outages.lost };
  }

  publish(channel: string, message: Buffer): void {
    if (this.isClosed()) this.outages.lose(1);
    else if (this.state !== 'connected' || this.probe.isLate || this.held.size > 0) this.held.put(channel, message);
    else if (!this.queue.put(channel, message)) this.lose('it does not answer');
  }

  /** Calls `listener` as Redis goes away, with what was given to the carrier before and has not left. */
  onAway(listener: (unsent: readonly HeldMessage[]) => void): void {
    this.takeOver = listener;
  }

  /** Calls `listener` as soon as everything is complete again. Redis counts as away until that calls `commit`. */
  onReturn(listener: (commit: Commit) => Promise<void>): void {
    this.handBack = listener;
  }

  subscribe(channels: readonly string[]): Promise<void> {
    this.subscriptions.want(channels);
    return this.make(() => this.subscriptions.ask(channels));
  }

  subscribePrefix(prefix: string): Promise<void> {
    this.subscriptions.wantPrefix(prefix);
    return this.make(() => this.subscriptions.askPrefixes([prefix]));
  }

  unsubscribe(channels: readonly string[]): void {
    this.subscriptions.leave(channels);
  }

  unsubscribePrefix(prefix: string): void {
    this.subscriptions.leavePrefixes([prefix]);
  }

  async subscribers(channel: string): Promise<number> {
    if (this.state !== 'connected') throw new Error(`Redis at ${this.address} is away.`);
    this.queue.flush();
    const [, count] = await within(limits.answerMs, this.publisher.pubsub('NUMSUB', channel), () => {
      throw new Error(`Redis did not answer within ${limits.answerMs} ms.`);
    });
    return Number(count);
  }

  onMessage(listener: MessageListener): () => void {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  }

  async close(): Promise<void> {
    if (this.state === 'closed') return;
    clearInterval(this.ticker);
    this.release();
    this.queue.flush();
    this.held.drop();
    this.state = 'closed';
    this.picture.emit('closed');
    this.picture.emit('away');
    if (this.ownsClients) {
      await Promise.all([quit(this.publisher), quit(this.subscriber)]);
    } else {
      this.subscriptions.leaveAll();
    }
    this.unlisten();
    this.picture.emit('whole');
  }

  private isUsable(): boolean {
    return this.publisher.status === 'ready' && this.subscriber.status === 'ready';
  }

  private listenToClients(): () => void {
    const onReady = (): void => void this.makeWhole();
    const onClose = (): void => this.goAway(new Error('the connection was closed'));
    const onError = (error: Error): void => this.noteFailure(error);
    const onMessage = (channel: Buffer, message: Buffer): void => this.hear(channel, message);
    const onPatternMessage = (_pattern: Buffer, channel: Buffer, message: Buffer): void => this.hear(channel, message);

    for (const client of [this.publisher, this.subscriber]) {
      client.on('ready', onReady).on('close', onClose).on('error', onError);
    }
    this.subscriber.on('messageBuffer', onMessage).on('pmessageBuffer', onPatternMessage);
    return () => {
      for (const client of [this.publisher, this.subscriber]) {
        client.off('ready', onReady).off('close', onClose).off('error', onError);
        // ioredis prints an `error` that nobody hears, and a connection that is being cut may still have one.
        if (this.ownsClients) client.on('error', () => {});
      }
      this.subscriber.off('messageBuffer', onMessage).off('pmessageBuffer', onPatternMessage);
    };
  }

  private hear(channel: Buffer, message: Buffer): void {
    const name = channel.toString();
    if (name === this.probeChannel) return this.hearNonce(message.toString());
    for (const listener of this.listeners) listener(name, message);
  }

  /** Runs a subscription now; where there is no connection, {@link makeWhole} makes it later. */
  private make(subscription: () => Promise<unknown>): Promise<void> {
    if (this.state === 'closed') return Promise.resolve();
    return this.subscriber.status === 'ready' ? this.makeNow(subscription) : this.untilWhole();
  }

  private async makeNow(subscription: () => Promise<unknown>): Promise<void> {
    const ended = new AbortController();
    try {
      await Promise.race([subscription(), once(this.picture, 'closed', { signal: ended.signal })]);
    } catch {
      if (!this.isClosed()) await this.untilWhole();
    } finally {
      ended.abort();
    }
  }

  /** One promise for all who wait, since in an outage there may be many. */
  private untilWhole(): Promise<void> {
    this.wholeAgain ??= once(this.picture, 'whole').then(() => {
      this.wholeAgain = undefined;
    });
    return this.wholeAgain;
  }

  private isClosed(): boolean {
    return this.state === 'closed';
  }

  /** Subscribes to everything that is asked for, sees that it is heard, and only then calls the carrier connected. */
  private async makeWhole(): Promise<void> {
    const attempt = ++this.attempt;
    const holds = (): boolean => attempt === this.attempt && this.isUsable() && !this.isClosed();
    this.hasFailed = false;
    if (!holds()) return;
    try {
      refuseReplica(await roleOf(this.publisher));
      await this.subscriptions.askAll();
      if (!holds() || !(await this.hearsItself())) return;
      if (this.held.size > 0) await elapsed(this.settleMs());
      if (holds()) await this.handBack(() => holds() && this.becomeWhole());
    } catch (error) {
      // Where the connection broke again, its next `ready` starts afresh; where Redis refuses, the ticker does.
      if (attempt !== this.attempt) return;
      this.hasFailed = true;
      this.noteFailure(error as Error);
    }
  }

  private becomeWhole(): void {
    this.state = 'connected';
    this.release();
    this.outages.end();
    this.picture.emit('whole');
  }

  /** What waited leaves in its order. */
  private release(): void {
    if (this.state !== 'connected' || this.held.size === 0) return;
    for (const { channel, message } of this.held.take()) {
      if (!this.queue.put(channel, message)) this.lose('it does not answer');
    }
  }

  private async hearsItself(): Promise<boolean> {
    const ended = new AbortController();
    const { signal } = ended;
    try {
      const heard = once(this.picture, 'heard', { signal }).then(() => true);
      const away = once(this.picture, 'away', { signal }).then(() => false);
      this.sendNonce();
      return await Promise.race([heard, away]);
    } finally {
      ended.abort();
    }
  }

  private tick(): void {
    this.held.expire();
    if (this.state !== 'connected') return this.watchAttempt();
    const verdict = this.probe.tick(this.movement());
    if (verdict === 'due') this.sendNonce();
    if (verdict === 'failed') this.rebuild(new Error('it is silent'));
  }

  /** Sent after all that was published before it, so that it is as late as they are. */
  private sendNonce(): void {
    this.queue.flush();
    const nonce = this.probe.ask(this.movement());
    const taken = Promise.all([roleOf(this.publisher), this.publisher.publish(this.probeChannel, nonce)]);
    taken.then(
      ([role]) => {
        this.probe.taken(nonce, this.movement());
        if (role === 'replica' && this.state === 'connected') this.rebuild(replicaError());
      },
      (error: Error) => {
        if (this.isUsable()) this.rebuild(error);
      },
    );
  }

  private hearNonce(nonce: string): void {
    if (!this.probe.heard(nonce)) return;
    this.release();
    this.picture.emit('heard');
  }

  private movement(): Movement {
    return { publisher: this.publisher.stream?.bytesRead ?? 0, subscriber: this.subscriber.stream?.bytesRead ?? 0 };
  }

  /** An attempt at which nothing moves any more is given up. ioredis alone would wait for a silent Redis for ever. */
  private watchAttempt(): void {
    if (this.probe.isAsked && this.probe.tick(this.movement()) === 'failed') {
      return this.rebuild(new Error('what it is told does not come back'));
    }
    const { publisher, subscriber } = this.movement();
    const sign = `${this.publisher.status} ${publisher} ${this.subscriber.status} ${subscriber}`;
    this.stillTicks = this.hasFailed || sign === this.lastSign ? this.stillTicks + 1 : 0;
    this.lastSign = sign;
    if (this.stillTicks >= this.attemptTicks) this.cut();
  }

  private rebuild(error: Error): void {
    this.goAway(error);
    this.cut();
  }

  /** `disconnect()` would wait for the other side, which is silent. */
  private cut(): void {
    this.stillTicks = 0;
    for (const { stream } of [this.publisher, this.subscriber]) stream?.destroy();
  }

  private lose(why: string): void {
    this.outages.lose(1, this.state === 'connected' ? why : undefined);
  }

  private goAway(error: Error): void {
    this.attempt++;
    this.probe.forget();
    this.picture.emit('away');
    if (this.state !== 'connected') return;
    this.state = 'away';
    this.noteFailure(error);
    this.takeOver?.(this.held.take());
  }

  private noteFailure(error: Error): void {
    if (this.isClosed()) return;
    this.picture.emit('failed', error);
    this.outages.begin(error);
  }

  private settleMs(): number {
    const { since } = this.outages;
    return since === undefined ? 0 : Math.min(limits.settleMs + 2 * (Date.now() - since), limits.longestSettleMs);
  }
}

/** ioredis puts the failed command into its error, and that of AUTH holds the password. */
function withoutCommand({ message }: Error): Error {
  return new Error(message);
}

/** `quit()` alone would wait for ever for a Redis that is down or silent. */
async function quit(client: Redis): Promise<void> {
  if (client.status === 'ready') await within<unknown>(limits.quitMs, client.quit(), () => {}).catch(() => {});
  client.disconnect();
}
