import { randomBytes } from 'node:crypto';
import type { Carrier } from '../carrier.js';
import { refusedMessages } from '../refused-messages.js';

export interface Receiver {
  /** What it takes, for whoever reads that something else was refused. */
  readonly kind: string;
  /** Refuses a message by an error. */
  receive(channel: string, message: Buffer): void | Promise<void>;
}

/** Lists, since there are as many as rooms and clients, and hardly ever more than one receiver: a set is large. */
type Receivers = Map<string, readonly Receiver[]>;

/** Redis compares every message with each prefix of every process, so a process takes few. */
const prefixLimit = 4;

/**
 * Brings each message of the process's one carrier to those namespaces that asked for its channel.
 *
 * Two servers in one process may want the same channel, so the carrier's subscription lasts until nobody does.
 */
export class ChannelRouter {
  private static readonly routers = new WeakMap<Carrier, ChannelRouter>();

  /** Begins the ids of this process's clients, so that one prefix brings what is sent to any of them. */
  readonly tag = randomBytes(6).toString('base64url');

  private readonly byChannel: Receivers = new Map();
  private readonly byPrefix: Receivers = new Map();

  /** The one router of a carrier: with two, one would end the subscriptions of the other. */
  static of(carrier: Carrier): ChannelRouter {
    const router = this.routers.get(carrier) ?? new ChannelRouter(carrier);
    this.routers.set(carrier, router);
    return router;
  }

  private constructor(private readonly carrier: Carrier) {
    carrier.onMessage((channel, message) => this.route(channel, message));
  }

  /** Resolves once the channels are live. */
  async subscribe(channels: readonly string[], receiver: Receiver): Promise<void> {
    for (const channel of channels) enter(this.byChannel, channel, receiver);
    // Also where another namespace has the channel already: its subscription may still be on the way.
    await this.carrier.subscribe(channels);
  }

  unsubscribe(channels: readonly string[], receiver: Receiver): void {
    this.carrier.unsubscribe(channels.filter((channel) => leave(this.byChannel, channel, receiver)));
  }

  /** Whether the carrier can hear a prefix, and it costs nothing more, or little enough. */
  mayTake(prefix: string): boolean {
    if (!this.carrier.hearsPrefixes) return false;
    return this.byPrefix.has(prefix) || this.byPrefix.size < prefixLimit;
  }

  async subscribePrefix(prefix: string, receiver: Receiver): Promise<void> {
    enter(this.byPrefix, prefix, receiver);
    await this.carrier.subscribePrefix(prefix);
  }

  unsubscribePrefix(prefix: string, receiver: Receiver): void {
    if (leave(this.byPrefix, prefix, receiver)) this.carrier.unsubscribePrefix(prefix);
  }

  private route(channel: string, message: Buffer): void {
    for (const receiver of this.byChannel.get(channel) ?? []) this.hand(receiver, channel, message);
    for (const [prefix, receivers] of this.byPrefix) {
      if (channel.startsWith(prefix)) for (const receiver of receivers) this.hand(receiver, channel, message);
    }
  }

  /** Whatever a message is, it must not end the worker: anyone who reaches Redis can publish one. */
  private hand(receiver: Receiver, channel: string, message: Buffer): void {
    try {
      receiver.receive(channel, message)?.catch((error: unknown) => refusedMessages.add(receiver.kind, channel, error));
    } catch (error) {
      refusedMessages.add(receiver.kind, channel, error);
    }
  }
}

function enter(table: Receivers, key: string, receiver: Receiver): void {
  const receivers = table.get(key);
  if (!receivers) table.set(key, [receiver]);
  else if (!receivers.includes(receiver)) table.set(key, [...receivers, receiver]);
}

/** Returns whether that was the last one. */
function leave(table: Receivers, key: string, receiver: Receiver): boolean {
  const receivers = table.get(key);
  if (!receivers?.includes(receiver)) return false;
  if (receivers.length === 1) return table.delete(key);
  table.set(
    key,
    receivers.filter((other) => other !== receiver),
  );
  return false;
}
