import { EventEmitter, once } from 'node:events';
import { Carrier, type CarrierHealth, type MessageListener } from '../carrier.js';
import { within } from '../within.js';
import { type HeldMessage, HeldMessages } from './held-messages.js';
import { fitsEnvelope, openEnvelope, sealEnvelope } from './host-envelope.js';
import { publishLimitBytes } from './publish-queue.js';
import type { Commit } from './redis.carrier.js';
import { TwoWays } from './two-ways.js';

/** A carrier to all hosts that may be away, and keeps what it is given meanwhile until it is back. */
export interface RemoteCarrier extends Carrier {
  /** Calls `listener` as it goes away, with what was given to it before and has not left. */
  onAway(listener: (unsent: readonly HeldMessage[]) => void): void;
  /** Calls `listener` once it could be whole again. It is away until that calls `commit`. */
  onReturn(listener: (commit: Commit) => Promise<void>): void;
}

export interface FallbackOptions {
  /** The same in all processes that the local carrier joins, and in no others. */
  readonly host: string;
  /** Prefix of every channel. */
  readonly key: string;
}

/** How long the local carrier may take to pass on what it was given, before it is not waited for. */
const fenceMs = 500;

/**
 * Carries messages through Redis and, while that is away, among the processes of this host.
 *
 * Every subscription is kept on both, so only the publisher's view of Redis matters: it uses one way at a time. What was
 * said by the local way waits for Redis too, in an envelope that names this host, whose processes do not open it. So
 * none hears anything twice, and each publisher's order holds on every channel:
 *
 * - from Redis to the local way: what Redis may still take is not said again; it is lost, or has come before.
 * - back: what is published meanwhile waits, until the local way has passed on all that came before it.
 */
export class FallbackCarrier extends Carrier {
  readonly name = 'redis';

  private readonly listeners = new Set<MessageListener>();
  private readonly channels = new Set<string>();
  private readonly prefixes = new Set<string>();
  private readonly heldChannel: string;
  private readonly fenceChannel: string;
  private readonly host: string;
  /** What is published while the local way is waited for. */
  private returning: HeldMessages | undefined;
  private dropped = 0;
  private readonly turns = new EventEmitter<{ away: [] }>().setMaxListeners(0);
  private readonly unlisten: readonly (() => void)[];

  constructor(
    private readonly remote: RemoteCarrier,
    private readonly local: Carrier,
    { host, key }: FallbackOptions,
  ) {
    super();
    this.host = host;
    this.heldChannel = `${key}-held#`;
    this.fenceChannel = `${key}-fence#`;
    const ways = new TwoWays((channel, message) => this.deliver(channel, message));
    this.unlisten = [
      remote.onMessage((channel, message) => {
        if (channel === this.heldChannel) this.unwrap(ways, message);
        else ways.take('remote', channel, message);
      }),
      local.onMessage((channel, message) => ways.take('local', channel, message)),
    ];
    remote.onAway((unsent) => this.takeOver(unsent));
    remote.onReturn((commit) => this.handBack(commit));
    void remote.subscribe([this.heldChannel]);
  }

  get health(): CarrierHealth {
    const { state, lost } = this.remote.health;
    const served = state === 'connected' || state === 'closed' || this.local.health.state !== 'connected';
    return { state: served ? state : 'degraded', lost: lost + this.dropped + this.local.health.lost };
  }

  publish(channel: string, message: Buffer): void {
    const { state } = this.remote.health;
    if (state === 'connected' || state === 'closed') this.remote.publish(channel, message);
    else if (this.returning) this.returning.put(channel, message);
    else this.publishHere(channel, message);
  }

  async subscribe(channels: readonly string[]): Promise<void> {
    for (const channel of channels) this.channels.add(channel);
    await this.onBoth(this.remote.subscribe(channels), this.local.subscribe(channels));
  }

  async subscribePrefix(prefix: string): Promise<void> {
    this.prefixes.add(prefix);
    await this.onBoth(this.remote.subscribePrefix(prefix), this.local.subscribePrefix(prefix));
  }

  unsubscribe(channels: readonly string[]): void {
    for (const channel of channels) this.channels.delete(channel);
    this.remote.unsubscribe(channels);
    this.local.unsubscribe(channels);
  }

  unsubscribePrefix(prefix: string): void {
    this.prefixes.delete(prefix);
    this.remote.unsubscribePrefix(prefix);
    this.local.unsubscribePrefix(prefix);
  }

  /** While Redis is away, of this host. */
  async subscribers(channel: string): Promise<number> {
    if (this.remote.health.state !== 'connected') return await this.local.subscribers(channel);
    const here = (): Promise<number> => this.local.subscribers(channel);
    return await this.whileThere(this.remote.subscribers(channel).catch(here), here);
  }

  onMessage(listener: MessageListener): () => void {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  }

  async close(): Promise<void> {
    await Promise.all([this.remote.close(), this.local.close()]);
    for (const unlisten of this.unlisten) unlisten();
    this.turns.emit('away');
  }

  private deliver(channel: string, message: Buffer): void {
    for (const listener of this.listeners) listener(channel, message);
  }

  private unwrap(ways: TwoWays, bytes: Buffer): void {
    const envelope = openEnvelope(bytes);
    if (!envelope || envelope.host === this.host || !this.wants(envelope.channel)) return;
    ways.take('remote', envelope.channel, envelope.message);
  }

  private wants(channel: string): boolean {
    return this.channels.has(channel) || [...this.prefixes].some((prefix) => channel.startsWith(prefix));
  }

  /** Among the processes of this host at once, and to the others if Redis is back before it is too old. */
  private publishHere(channel: string, message: Buffer): void {
    this.local.publish(channel, message);
    if (fitsEnvelope(channel)) {
      this.remote.publish(this.heldChannel, sealEnvelope({ host: this.host, channel, message }));
    }
  }

  private takeOver(unsent: readonly HeldMessage[]): void {
    for (const { channel, message } of unsent) this.publishHere(channel, message);
    this.turns.emit('away');
  }

  private async handBack(commit: Commit): Promise<void> {
    const returning = new HeldMessages(publishLimitBytes, 2 * fenceMs, (count) => (this.dropped += count));
    for (const { channel, message } of this.returning?.take() ?? []) returning.put(channel, message);
    this.returning = returning;
    // The hub answers after it has passed on what it was given before.
    await within(fenceMs, this.local.subscribers(this.fenceChannel), () => 0).catch(() => {});
    commit();
    // A later hand-back has taken them along.
    if (this.returning !== returning) return;
    this.returning = undefined;
    for (const { channel, message } of returning.take()) this.publish(channel, message);
  }

  /** Resolves once that of Redis is live or, while Redis is away, the local one: a primary that hangs keeps nobody. */
  private async onBoth(remote: Promise<void>, local: Promise<void>): Promise<void> {
    if (this.health.state === 'degraded') return await local;
    await this.whileThere(remote, () => local);
  }

  /** Settles as `remote` does or, where Redis goes away before that, as `instead`. */
  private async whileThere<T>(remote: Promise<T>, instead: () => Promise<T>): Promise<T> {
    const ended = new AbortController();
    const gone = once(this.turns, 'away', { signal: ended.signal }).then(instead);
    return await Promise.race([remote, gone]).finally(() => ended.abort());
  }
}
