import type { Link } from './embedded.protocol.js';

/** What a queue towards another process may hold before messages are dropped. */
export const outboxLimitBytes = 32 * 1024 * 1024;

/** What a message costs beyond its bytes, so that many empty ones are bounded as well. */
const overheadBytes = 64;

/**
 * Sends what was put in during a turn of the event loop as one batch.
 *
 * A process that does not read (stopped, or in an endless loop) would let `process.send` queue without an end, so
 * messages above a number of bytes that have not left yet are refused.
 */
export class Outbox<Item> {
  private batch: Item[] = [];
  private batchBytes = 0;
  private batchMessages = 0;
  private waitingBytes = 0;

  constructor(
    private readonly link: Pick<Link<never, Item>, 'send'>,
    private readonly limitBytes = outboxLimitBytes,
    /** Hears how many messages of a batch could not leave. */
    private readonly onLost: (count: number) => void = () => {},
  ) {}

  /** Returns whether there was room. */
  putMessage(item: Item, bytes: number): boolean {
    const cost = bytes + overheadBytes;
    if (this.waitingBytes + this.batchBytes + cost > this.limitBytes) return false;
    this.batchBytes += cost;
    this.batchMessages++;
    this.put(item);
    return true;
  }

  /** For what must not be lost: subscriptions and answers. */
  put(item: Item): void {
    if (this.batch.push(item) === 1) setImmediate(() => this.flush());
  }

  /** Leaves behind whatever has not been sent. */
  flush(): void {
    if (this.batch.length === 0) return;
    const { batch, batchBytes, batchMessages } = this;
    this.batch = [];
    this.batchBytes = 0;
    this.batchMessages = 0;
    this.waitingBytes += batchBytes;
    this.link.send(batch, (error) => {
      this.waitingBytes -= batchBytes;
      if (error) this.onLost(batchMessages);
    });
  }
}
