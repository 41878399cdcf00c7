import type { Droppable } from './droppable.js';
import type { WaitingFrame } from './frame-chain.js';

/** Called once the socket has taken what it was given before. */
export type Sent = (error?: Error) => void;

/** What is let go of at a time: the frames, and whom to tell of it. */
export interface Portion {
  readonly frames: readonly Buffer[];
  readonly length: number;
  readonly sent: readonly Sent[];
}

interface Entry extends WaitingFrame {
  readonly sent?: readonly Sent[];
}

const nothing = Buffer.alloc(0);

/**
 * The frames that wait in this process for one client, as long as some of them may be dropped. The frames are those of
 * all clients for which they wait.
 */
export class Backlog {
  /** How many bytes wait. */
  length = 0;

  private entries: Entry[] = [];

  get isEmpty(): boolean {
    return this.entries.length === 0;
  }

  /** From the oldest on. */
  get waiting(): readonly WaitingFrame[] {
    return this.entries;
  }

  /** @param sent are called when the frames are taken, or would have been, had they not been dropped */
  add(frames: readonly WaitingFrame[], sent: readonly Sent[] | undefined): void {
    for (const frame of frames) {
      this.entries.push(frame);
      this.length += frame.length;
    }
    if (sent) this.entries.push({ frame: nothing, droppable: undefined, length: 0, sent });
  }

  /** Takes the oldest, about so many bytes of them: at least one frame, and whole ones. */
  take(bytes: number): Portion {
    let [count, length] = [0, 0];
    while (count < this.entries.length && length < bytes) length += this.entries[count++]!.length;
    const taken = this.entries.splice(0, count);
    this.length -= length;
    return {
      frames: taken.filter((entry) => entry.length > 0).map(({ frame }) => frame),
      length,
      sent: taken.flatMap(({ sent }) => sent ?? []),
    };
  }

  drop(messages: ReadonlySet<Droppable>): void {
    this.entries = this.entries.filter(({ droppable }) => !droppable || !messages.has(droppable));
    this.length = this.entries.reduce((sum, { length }) => sum + length, 0);
  }

  clear(): void {
    this.entries = [];
    this.length = 0;
  }
}
