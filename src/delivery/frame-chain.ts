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
  private merged: Buffer | undefined;
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
    if (this.merged) return [this.merged];
    const frames = framesOf(this);
    const isFirst = !this.wasTaken;
    this.wasTaken = true;
    if (frames.length > 1 && isFirst && this.length > copyBytes) return frames;
    this.merged = frames.length === 1 ? this.frame : Buffer.concat(frames, this.length);
    return [this.merged];
  }
}

function framesOf(chain: FrameChain): Buffer[] {
  const backwards: Buffer[] = [];
  for (let link = chain; link.previous; link = link.previous) backwards.push(link.frame);
  return backwards.toReversed();
}
