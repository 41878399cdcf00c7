import { within } from '../within.js';
import { inBatches } from './in-batches.js';
import { PublishQueue } from './publish-queue.js';
import type { RedisClients } from './redis-clients.js';

const limits = {
  /** How long a node may take to answer before its connections are made anew. */
  answerMs: 2_000,
  quitMs: 500,
};

export interface ShardNodeEvents {
  /** Both connections can be used. */
  readonly onReady: () => void;
  readonly onAway: (error: Error) => void;
  /** The node ended these subscriptions, since it serves their slots no more. */
  readonly onTakenAway: (channels: readonly string[]) => void;
  /** A message was not carried. */
  readonly onLost: (error: Error) => void;
  readonly onMessage: (channel: Buffer, message: Buffer) => void;
}

/** One primary of a Redis Cluster, with the two connections that a process has to it. */
export class ShardNode {
  /** The channels that it has confirmed. */
  readonly live = new Set<string>();
  private readonly queue: PublishQueue;
  private isComparing = false;

  constructor(
    readonly address: string,
    private readonly clients: RedisClients,
    private readonly events: ShardNodeEvents,
  ) {
    const { publisher, subscriber } = clients;
    this.queue = new PublishQueue(publisher, events.onLost, 'SPUBLISH');
    for (const client of [publisher, subscriber]) {
      client.on('ready', () => this.isReady && events.onReady());
      client.on('close', () => events.onAway(new Error('the connection was closed')));
      client.on('error', events.onAway);
      // A failed attempt is an `error` event as well, and is tried again.
      client.connect().catch(() => {});
    }
    subscriber.on('smessageBuffer', events.onMessage);
    subscriber.on('close', () => this.takeAway([...this.live]));
    subscriber.on('moved', () => this.compareSoon());
  }

  get isReady(): boolean {
    return this.clients.publisher.status === 'ready' && this.clients.subscriber.status === 'ready';
  }

  /** Returns whether there was room. */
  publish(channel: string, message: Buffer): boolean {
    return this.queue.put(channel, message);
  }

  flush(): void {
    this.queue.flush();
  }

  /** For channels of one slot. Rejects where the node does not serve it, or is not there. */
  async subscribe(channels: readonly string[]): Promise<void> {
    await inBatches(channels, (batch) => this.clients.subscriber.ssubscribe(...batch));
  }

  /** For channels of one slot. */
  unsubscribe(channels: readonly string[]): void {
    for (const channel of channels) this.live.delete(channel);
    // Without a connection there is no subscription either.
    inBatches(channels, (batch) => this.clients.subscriber.sunsubscribe(...batch)).catch(() => {});
  }

  async subscribers(channel: string): Promise<number> {
    this.flush();
    const asked = this.clients.publisher.call('PUBSUB', 'SHARDNUMSUB', channel);
    const [, count] = (await within(limits.answerMs, asked, tooLate)) as [string, number];
    return count;
  }

  /** What it says of who serves which slot. */
  slots(): Promise<unknown> {
    return within<unknown>(limits.answerMs, this.clients.publisher.cluster('SLOTS'), tooLate);
  }

  /** A node that is silent keeps its connections, and carries nothing: they are made anew. */
  async check(): Promise<void> {
    const { publisher, subscriber } = this.clients;
    const silent = [publisher, subscriber].map(async (client) => {
      if (client.status !== 'ready') return;
      await within<unknown>(limits.answerMs, client.ping(), () => client.disconnect(true)).catch(() => {});
    });
    await Promise.all(silent);
  }

  /** Bounded in time, also while the node is down. What is still on the way to a node that is left may be lost. */
  async close(): Promise<void> {
    this.flush();
    const { publisher, subscriber } = this.clients;
    for (const client of [publisher, subscriber]) {
      client.removeAllListeners('ready').removeAllListeners('moved').removeAllListeners('smessageBuffer');
    }
    await Promise.all(
      [publisher, subscriber].map(async (client) => {
        if (client.status === 'ready') {
          await within<unknown>(limits.quitMs, client.quit(), () => {}).catch(() => {});
        }
        client.disconnect();
      }),
    );
  }

  /** ioredis says that a subscription was ended, but not which: its own list has become shorter. */
  private compareSoon(): void {
    if (this.isComparing) return;
    this.isComparing = true;
    setImmediate(() => {
      this.isComparing = false;
      const { condition } = this.clients.subscriber;
      const held = new Set(condition?.subscriber ? condition.subscriber.channels('ssubscribe') : []);
      this.takeAway([...this.live].filter((channel) => !held.has(channel)));
    });
  }

  private takeAway(channels: readonly string[]): void {
    for (const channel of channels) this.live.delete(channel);
    this.events.onTakenAway(channels);
  }
}

function tooLate(): never {
  throw new Error(`Redis did not answer within ${limits.answerMs} ms.`);
}
