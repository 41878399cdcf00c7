/** What a message costs beyond its bytes, so that many empty ones are bounded as well. */
const overheadBytes = 128;

/** Gaps at the front are closed in one go, since shifting each entry would move all that follow. */
const mostGaps = 1_024;

export interface HeldMessage {
  readonly channel: string;
  readonly message: Buffer;
}

interface Entry extends HeldMessage {
  readonly at: number;
}

/** Messages that wait until they can leave, in order, bounded in bytes and age: the oldest go first. */
export class HeldMessages {
  private entries: (Entry | undefined)[] = [];
  private first = 0;
  private bytes = 0;

  constructor(
    private readonly limitBytes: number,
    private readonly ageMs: number,
    /** Hears how many were dropped. */
    private readonly onDropped: (count: number) => void,
  ) {}

  get size(): number {
    return this.entries.length - this.first;
  }

  /** The message is copied. */
  put(channel: string, message: Buffer): void {
    this.entries.push({ channel, message: Buffer.from(message), at: performance.now() });
    this.bytes += channel.length + message.length + overheadBytes;
    let dropped = 0;
    for (; this.bytes > this.limitBytes; dropped++) this.shift();
    if (dropped > 0) this.onDropped(dropped);
  }

  /** Drops what has become too old to be told. */
  expire(): void {
    const oldest = performance.now() - this.ageMs;
    let dropped = 0;
    for (; this.size > 0 && this.entries[this.first]!.at <= oldest; dropped++) this.shift();
    if (dropped > 0) this.onDropped(dropped);
  }

  /** All that is not too old, which is held no longer. */
  take(): readonly HeldMessage[] {
    this.expire();
    const taken = this.entries.slice(this.first) as Entry[];
    this.clear();
    return taken;
  }

  /** Drops all of it. */
  drop(): void {
    const { size } = this;
    this.clear();
    if (size > 0) this.onDropped(size);
  }

  private clear(): void {
    this.entries = [];
    this.first = 0;
    this.bytes = 0;
  }

  private shift(): void {
    const { channel, message } = this.entries[this.first]!;
    this.entries[this.first++] = undefined;
    this.bytes -= channel.length + message.length + overheadBytes;
    if (this.first < mostGaps && this.size > 0) return;
    this.entries = this.entries.slice(this.first);
    this.first = 0;
  }
}
