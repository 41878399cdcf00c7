/**
 * Moves messages between processes by channel name.
 *
 * At most once, in order per publisher and channel, to every subscriber, the publisher included.
 * Nothing here throws at the caller: what cannot be carried is counted in {@link CarrierHealth.lost}.
 *
 * A class, so that it is its own injection token.
 */
export abstract class Carrier {
  abstract readonly name: 'embedded' | 'redis' | 'sharded';

  abstract readonly health: CarrierHealth;

  abstract publish(channel: string, message: Buffer): void;

  /** Resolves once the channels are live, which may be never while the other side is away: bound your wait. */
  abstract subscribe(channels: readonly string[]): Promise<void>;

  /** Whether {@link subscribePrefix} works. What wraps another carrier passes on what that one says. */
  get hearsPrefixes(): boolean {
    return true;
  }

  /** As {@link subscribe}, for every channel that starts with `prefix`. Rejects where {@link hearsPrefixes} is false. */
  abstract subscribePrefix(prefix: string): Promise<void>;

  abstract unsubscribe(channels: readonly string[]): void;

  abstract unsubscribePrefix(prefix: string): void;

  /** How many processes are subscribed to exactly this channel. Rejects when nobody can tell. */
  abstract subscribers(channel: string): Promise<number>;

  /** Calls `listener` for each message that arrives; returns what ends that. */
  abstract onMessage(listener: MessageListener): () => void;

  /** Ends every subscription and connection that the carrier opened itself. Bounded in time, also while Redis is down. */
  abstract close(): Promise<void>;
}

export type MessageListener = (channel: string, message: Buffer) => void;

export interface CarrierHealth {
  /**
   * `away`: messages go nowhere, or subscriptions are not complete. `degraded`: the same, but for the processes of this
   * host, which hear each other.
   */
  readonly state: 'connecting' | 'connected' | 'away' | 'degraded' | 'closed';
  /** How many messages could not be carried since the start. */
  readonly lost: number;
}
