import type { Droppable, Waiting } from './droppable.js';

/**
 * From here on bytes have memory of their own: those that wait for a slow client would keep all of Node's shared pool,
 * of which the rest was used for other things.
 */
const ownMemoryBytes = 1024;

/** Up to here copying frames into one buffer costs less than handing the kernel several. */
const copyBytes = 16 * 1024;

/** A frame that waits, as one for all clients for which it does. */
export interface WaitingFrame extends Waiting {
  readonly frame: Buffer;
}

/**
 * Frames in the order in which they go to a client, from the last one backwards.
 *
 * Clients that get the same frames in the same order share one chain: each new frame is a comparison and a pointer for
 * each of them, and the bytes are put together once for all.
 */
export class FrameChain {
  /** How many bytes the chain has. */
  readonly length: number;
  /** Whether a slow client may miss some of it. */
  readonly isDroppable: boolean;

  private next: FrameChain | undefined;
  private merged: readonly Buffer[] | undefined;
  private wasTaken = false;
  private waiting: WaitingFrame | undefined;

  private constructor(
    readonly frame: Buffer,
    readonly previous: FrameChain | undefined,
    private readonly droppable: Droppable | undefined,
  ) {
    this.length = (previous?.length ?? 0) + frame.length;
    this.isDroppable = droppable !== undefined || previous?.isDroppable === true;
  }

  /** Where every chain of a turn begins. */
  static start(): FrameChain {
    return new FrameChain(Buffer.alloc(0), undefined, undefined);
  }

  /** The chain that goes on with this frame. Of several that did, the last one is shared. */
  with(frame: Buffer, droppable?: Droppable): FrameChain {
    if (this.next?.frame === frame) return this.next;
    return (this.next = new FrameChain(frame, this, droppable));
  }

  /** All frames, in as few buffers as are worth it: one, unless much is written to one client alone. */
  buffers(): readonly Buffer[] {
    if (this.merged) return this.merged;
    if (!this.previous?.previous) return (this.merged = [this.frame]);
    const frames = linksOf(this).map(({ frame }) => frame);
    if (!this.wasTaken && this.length > copyBytes) {
      this.wasTaken = true;
      return frames;
    }
    return (this.merged = [merge(frames, this.length)]);
  }

  /** Each frame by itself. They do not hold the chain, of which most may have been dropped. */
  frames(): WaitingFrame[] {
    return linksOf(this).map((link) => link.toWaiting());
  }

  private toWaiting(): WaitingFrame {
    const { frame, droppable } = this;
    return (this.waiting ??= { frame, droppable, length: frame.length });
  }
}

/** The first ahead. */
function linksOf(chain: FrameChain): FrameChain[] {
  const backwards: FrameChain[] = [];
  for (let link = chain; link.previous; link = link.previous) backwards.push(link);
  return backwards.toReversed();
}

function merge(frames: readonly Buffer[], length: number): Buffer {
  const merged = length < ownMemoryBytes ? Buffer.allocUnsafe(length) : Buffer.allocUnsafeSlow(length);
  let end = 0;
  for (const frame of frames) {
    merged.set(frame, end);
    end += frame.length;
  }
  return merged;
}
