import type { MessageListener } from '../carrier.js';

export type Way = 'remote' | 'local';

/** How long after its last message the local way has the lead. */
const leadMs = 2_000;

/**
 * Puts what comes by two ways into one order.
 *
 * A publisher uses one of them at a time, and changes only when what it said by the other has left. So where both have
 * something to read in one turn of the event loop, that of the way in use so far is the older: the other waits until
 * the end of the turn.
 */
export class TwoWays {
  private leading: Way = 'remote';
  private lastLocalAt = -Infinity;
  private waiting: (readonly [string, Buffer])[] = [];

  constructor(
    private readonly deliver: MessageListener,
    private readonly now: () => number = () => performance.now(),
  ) {}

  take(way: Way, channel: string, message: Buffer): void {
    if (way === 'local') this.lastLocalAt = this.now();
    else if (this.leading === 'local' && this.waiting.length === 0 && this.now() - this.lastLocalAt > leadMs) {
      this.leading = 'remote';
    }
    if (way === this.leading) return this.deliver(channel, message);
    if (this.waiting.push([channel, message]) === 1) setImmediate(() => this.endTurn());
  }

  private endTurn(): void {
    const { waiting } = this;
    this.waiting = [];
    this.leading = 'local';
    for (const [channel, message] of waiting) this.deliver(channel, message);
  }
}
