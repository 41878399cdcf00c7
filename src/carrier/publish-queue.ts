import type { Redis } from 'ioredis';
import { framingBytes, PublishBatch, type PublishCommand, writePublish } from './publish-batch.js';

/** What may be on its way to a Redis that does not answer, before messages are dropped. */
export const publishLimitBytes = 32 * 1024 * 1024;

/** A batch that is so large leaves at once, so that Redis works while this process still publishes. */
const batchBytes = 64 * 1024;

/** What a message costs beyond its bytes, so that many empty ones are bounded as well. */
const overheadBytes = 128;

const scheduled = new Set<PublishQueue>();

// Whoever publishes and calls `process.exit` has no other turn.
process.on('exit', () => {
  for (const queue of scheduled) queue.flush();
});

/** Publishes what was put in during a turn of the event loop with few writes, in the order of the calls. */
export class PublishQueue {
  private readonly batch = Buffer.allocUnsafeSlow(batchBytes);
  private end = 0;
  private count = 0;
  private cost = 0;
  private waitingBytes = 0;

  constructor(
    private readonly redis: Redis,
    /** Hears of each message that Redis did not take. */
    private readonly onLost: (error: Error) => void,
    private readonly command: PublishCommand = 'PUBLISH',
  ) {}

  /** Returns whether there was room. The message is copied. */
  put(channel: string, message: Buffer): boolean {
    const cost = channel.length + message.length + overheadBytes;
    if (this.waitingBytes + this.cost + cost > publishLimitBytes) return false;
    // No character of a channel takes more than three bytes.
    const room = channel.length * 3 + message.length + framingBytes;
    if (this.end + room > batchBytes) this.flush();
    if (room > batchBytes) {
      this.send(this.large(room, channel, message), 1, cost);
      return true;
    }
    this.end = writePublish(this.batch, this.end, channel, message, this.command);
    this.count++;
    this.cost += cost;
    this.schedule();
    return true;
  }

  /** Leaves behind whatever has not been sent. */
  flush(): void {
    if (this.count === 0) return;
    const { count, cost } = this;
    const bytes = Buffer.from(this.batch.subarray(0, this.end));
    this.end = 0;
    this.count = 0;
    this.cost = 0;
    this.send(bytes, count, cost);
  }

  private schedule(): void {
    if (scheduled.has(this)) return;
    scheduled.add(this);
    setImmediate(() => {
      scheduled.delete(this);
      this.flush();
    });
  }

  private send(bytes: Buffer, count: number, cost: number): void {
    let open = count;
    this.waitingBytes += cost;
    new PublishBatch(bytes, count, (error) => {
      if (--open === 0) this.waitingBytes -= cost;
      if (error) this.onLost(error);
    }).send(this.redis);
  }

  private large(room: number, channel: string, message: Buffer): Buffer {
    const buffer = Buffer.allocUnsafeSlow(room);
    return buffer.subarray(0, writePublish(buffer, 0, channel, message, this.command));
  }
}
