import { within } from '../within.js';
import type { ChannelRouter, Receiver } from './channel-router.js';

/**
 * Keeps subscriptions in step with the rooms of a namespace that have members here.
 *
 * What opens and shuts during a turn of the event loop becomes one call, whatever number of clients came.
 */
export class RoomChannels {
  /** What should be subscribed, and what the router was asked for so far. */
  private readonly wanted = new Set<string>();
  private readonly asked = new Set<string>();
  private readonly changed = new Set<string>();
  /** By channel, until it is live. */
  private readonly opening = new Map<string, Promise<void>>();
  private batch: Promise<void> | undefined;

  constructor(
    private readonly router: ChannelRouter,
    private readonly prefix: string,
    private readonly receiver: Receiver,
    /** How long {@link pending} waits at the most: while Redis is silent, clients are served all the same. */
    private readonly timeoutMs: number,
    /** Whether messages to a room arrive without a channel of its own. */
    private readonly isCovered: (room: unknown) => boolean,
  ) {}

  open(room: unknown): void {
    if (this.isCovered(room)) return;
    const channel = this.channelOf(room);
    if (this.wanted.has(channel)) return;
    this.wanted.add(channel);
    this.changed.add(channel);
    const batch = this.nextBatch();
    if (!this.asked.has(channel)) this.opening.set(channel, batch);
  }

  shut(room: unknown): void {
    const channel = this.channelOf(room);
    if (!this.wanted.delete(channel)) return;
    this.changed.add(channel);
    void this.nextBatch();
  }

  /** Whether any channel is still on its way. */
  get isOpening(): boolean {
    return this.opening.size > 0;
  }

  /** What is still on its way for these rooms. */
  pending(rooms: Iterable<unknown>): Promise<void>[] {
    const pending: Promise<void>[] = [];
    if (this.opening.size === 0) return pending;
    for (const room of rooms) {
      const opening = this.opening.get(this.channelOf(room));
      if (opening && pending.at(-1) !== opening) pending.push(opening);
    }
    return pending;
  }

  close(): void {
    this.router.unsubscribe([...this.asked], this.receiver);
    for (const set of [this.wanted, this.asked, this.changed, this.opening]) set.clear();
  }

  private channelOf(room: unknown): string {
    return `${this.prefix}${String(room)}#`;
  }

  private nextBatch(): Promise<void> {
    this.batch ??= new Promise((resolve) => {
      setImmediate(() => resolve(within(this.timeoutMs, this.flush(), () => {})));
    });
    return this.batch;
  }

  private async flush(): Promise<void> {
    const batch = this.batch;
    const changed = [...this.changed];
    this.batch = undefined;
    this.changed.clear();
    const opened = changed.filter((channel) => this.wanted.has(channel) && !this.asked.has(channel));
    const unwanted = changed.filter((channel) => !this.wanted.has(channel));

    for (const channel of unwanted) this.opening.delete(channel);
    this.router.unsubscribe(
      unwanted.filter((channel) => this.asked.delete(channel)),
      this.receiver,
    );
    for (const channel of opened) this.asked.add(channel);
    await this.router.subscribe(opened, this.receiver);
    for (const channel of opened) if (this.opening.get(channel) === batch) this.opening.delete(channel);
  }
}
