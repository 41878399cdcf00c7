import { EventEmitter, once } from 'node:events';
import { Logger } from '@nestjs/common';
import type { Redis } from 'ioredis';
import { Carrier, type CarrierHealth, type MessageListener } from '../carrier.js';
import { RedisUnreachableError } from '../errors.js';
import type { RedisAccess } from '../redis-address.js';
import { within } from '../within.js';
import { LossLog } from './loss-log.js';
import { PublishQueue } from './publish-queue.js';
import { openRedisClients, redisAddress, type RedisClients } from './redis-clients.js';

export type RedisCarrierOptions =
  /** Where Redis is. The carrier closes what it opens. */
  | RedisAccess
  /** Connections that a team already has. They stay open when the carrier closes. */
  | RedisClients;

const limits = {
  /** How many channels one SUBSCRIBE names. */
  channelsPerCommand: 500,
  /** How long Redis may take to say how many subscribers a channel has. */
  answerMs: 2_000,
  quitMs: 500,
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

  private readonly logger = new Logger(RedisCarrier.name);
  private readonly publisher: Redis;
  private readonly subscriber: Redis;
  private readonly ownsClients: boolean;
  private readonly channels = new Set<string>();
  private readonly prefixes = new Set<string>();
  private readonly listeners = new Set<MessageListener>();
  private readonly picture = new EventEmitter<{ whole: []; closed: []; failed: [Error] }>().setMaxListeners(0);
  private readonly unlisten: () => void;
  private state: CarrierHealth['state'] = 'connecting';
  private readonly losses = new LossLog(RedisCarrier.name);
  private lostBefore = 0;
  private awaySince: number | undefined;
  private readonly queue: PublishQueue;

  constructor(options: RedisCarrierOptions) {
    super();
    this.ownsClients = 'url' in options;
    ({ publisher: this.publisher, subscriber: this.subscriber } =
      'url' in options ? openRedisClients(options) : options);
    this.address = redisAddress(this.publisher);
    this.queue = new PublishQueue(this.publisher, ({ message }) => this.lose(message));
    this.unlisten = this.listenToClients();
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
    return { state: this.state, lost: this.losses.total };
  }

  publish(channel: string, message: Buffer): void {
    if (this.isClosed() || !this.queue.put(channel, message)) this.lose('it does not answer');
  }

  async subscribe(channels: readonly string[]): Promise<void> {
    for (const channel of channels) this.channels.add(channel);
    await this.make(() => this.sendInBatches(channels, (batch) => this.subscriber.subscribe(...batch)));
  }

  async subscribePrefix(prefix: string): Promise<void> {
    this.prefixes.add(prefix);
    await this.make(() => this.subscriber.psubscribe(toPattern(prefix)));
  }

  unsubscribe(channels: readonly string[]): void {
    for (const channel of channels) this.channels.delete(channel);
    // Without a connection there is no subscription either.
    this.sendInBatches(channels, (batch) => this.subscriber.unsubscribe(...batch)).catch(() => {});
  }

  unsubscribePrefix(prefix: string): void {
    this.prefixes.delete(prefix);
    this.subscriber.punsubscribe(toPattern(prefix)).catch(() => {});
  }

  async subscribers(channel: string): Promise<number> {
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
    this.queue.flush();
    this.state = 'closed';
    this.picture.emit('closed');
    if (this.ownsClients) {
      await Promise.all([quit(this.publisher), quit(this.subscriber)]);
    } else {
      this.unsubscribe([...this.channels]);
      for (const prefix of this.prefixes) this.unsubscribePrefix(prefix);
    }
    this.unlisten();
    this.picture.emit('whole');
  }

  private isUsable(): boolean {
    return this.publisher.status === 'ready' && this.subscriber.status === 'ready';
  }

  private listenToClients(): () => void {
    const onReady = (): void => void this.makeWhole();
    const onClose = (): void => this.goAway();
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
    for (const listener of this.listeners) listener(name, message);
  }

  /** Runs a subscription now; where the connection fails it, {@link makeWhole} makes it later. */
  private async make(subscription: () => Promise<unknown>): Promise<void> {
    if (this.state === 'closed') return;
    const ended = new AbortController();
    try {
      await Promise.race([subscription(), once(this.picture, 'closed', { signal: ended.signal })]);
    } catch {
      if (!this.isClosed()) await once(this.picture, 'whole');
    } finally {
      ended.abort();
    }
  }

  private isClosed(): boolean {
    return this.state === 'closed';
  }

  /** Subscribes to everything that is asked for, and only then calls the carrier connected. */
  private async makeWhole(): Promise<void> {
    if (!this.isUsable() || this.isClosed()) return;
    try {
      await this.sendInBatches([...this.channels], (batch) => this.subscriber.subscribe(...batch));
      await this.sendInBatches([...this.prefixes], (batch) => this.subscriber.psubscribe(...batch.map(toPattern)));
    } catch (error) {
      // Where the connection broke again, its next `ready` starts afresh.
      this.noteFailure(error as Error);
      return;
    }
    if (!this.isUsable() || this.isClosed()) return;
    this.state = 'connected';
    if (this.awaySince !== undefined) this.sayItIsOver(this.awaySince);
    this.picture.emit('whole');
  }

  private async sendInBatches(names: readonly string[], send: (batch: string[]) => Promise<unknown>): Promise<void> {
    const batches: Promise<unknown>[] = [];
    for (let start = 0; start < names.length; start += limits.channelsPerCommand) {
      batches.push(send(names.slice(start, start + limits.channelsPerCommand)));
    }
    await Promise.all(batches);
  }

  /** What is lost in an outage is said when it is over. */
  private lose(why: string): void {
    if (this.state === 'connected') this.losses.say(1, `Redis at ${this.address} (${why})`);
    else this.losses.count(1);
  }

  private goAway(): void {
    if (this.state !== 'connected') return;
    this.state = 'away';
    this.noteFailure(new Error('the connection was closed'));
  }

  private noteFailure(error: Error): void {
    if (this.isClosed()) return;
    this.picture.emit('failed', error);
    if (this.awaySince !== undefined) return;
    this.awaySince = Date.now();
    this.lostBefore = this.losses.total;
    this.logger.warn(`Redis at ${this.address} cannot be used (${error.message}): trying again`);
  }

  private sayItIsOver(since: number): void {
    const lost = this.losses.total - this.lostBefore;
    this.awaySince = undefined;
    this.logger.log(`Redis at ${this.address} is back after ${Date.now() - since} ms; ${lost} messages were lost`);
  }
}

/** A pattern for every channel that starts with the prefix, whatever signs the names of rooms and namespaces hold. */
function toPattern(prefix: string): string {
  return `${prefix.replace(/[\\*?[\]^-]/g, '\\$&')}*`;
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
