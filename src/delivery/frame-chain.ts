/**
 * From here on bytes have memory of their own: those that wait for a slow client would keep all of Node's shared pool,
 * of which the rest was used for other things.
 */
const ownMemoryBytes = 1024;

/** Up to here copying frames into one buffer costs less than handing the kernel several. */
const copyBytes = 16 * 1024;

/**
 * Frames in the order in which they go to a client, from the last one backwards.
 *
 * Clients that get the same frames in the same order share one chain: each new frame is a comparison and a pointer for
 * each of them, and the bytes are put together once for all.
 */
export class FrameChain {
  /** How many bytes the chain has. */
  readonly length: number;

  private next: FrameChain | undefined;
  private merged: readonly Buffer[] | undefined;
  private wasTaken = false;

  private constructor(
    readonly frame: Buffer,
    readonly previous: FrameChain | undefined,
  ) {
    this.length = (previous?.length ?? 0) + frame.length;
  }

  /** Where every chain of a turn begins. */
  static start(): FrameChain {
    return new FrameChain(Buffer.alloc(0), undefined);
  }

  /** The chain that goes on with this frame. Of several that did, the last one is shared. */
  with(frame: Buffer): FrameChain {
    if (this.next?.frame === frame) return this.next;
    return (this.next = new FrameChain(frame, this));
  }

  /** All frames, in as few buffers as are worth it: one, unless much is written to one client alone. */
  buffers(): readonly Buffer[] {
    if (this.merged) return this.merged;
    if (!this.previous?.previous) return (this.merged = [this.frame]);
    const frames = framesOf(this);
    if (!this.wasTaken && this.length > copyBytes) {
      this.wasTaken = true;
      return frames;
    }
    return (this.merged = [merge(frames, this.length)]);
  }
}

function framesOf(chain: FrameChain): Buffer[] {
  const backwards: Buffer[] = [];
  for (let link = chain; link.previous; link = link.previous) backwards.push(link.frame);
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
