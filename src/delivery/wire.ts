import type { Writable } from 'node:stream';
import type { FrameChain } from './frame-chain.js';
import type { Turn } from './turn.js';

/** What one client may gather within a turn before it is written at once, so that a long turn holds little. */
const gatherBytes = 64 * 1024;

/** Gathers what goes to one WebSocket during a turn of the event loop, and writes it at once. */
export class Wire {
  private gathered: FrameChain | undefined;
  private clearedIn: FrameChain | undefined;

  constructor(
    private readonly socket: Writable,
    private readonly turn: Turn,
  ) {}

  /** Whether it was found in this turn that nothing stands before what is pushed, which holds until the next flush. */
  get isClear(): boolean {
    return this.clearedIn === this.turn.start;
  }

  clear(): void {
    this.clearedIn = this.turn.start;
  }

  push(frame: Buffer): void {
    const { turn } = this;
    if (!this.gathered) turn.add(this);
    this.gathered = (this.gathered ?? turn.start).with(frame);
    if (this.gathered.length >= gatherBytes) this.flush();
  }

  flush(): void {
    const { gathered, socket } = this;
    this.clearedIn = undefined;
    if (!gathered) return;
    this.gathered = undefined;
    if (!socket.writable) return;
    const buffers = gathered.buffers();
    if (buffers.length === 1) {
      socket.write(buffers[0]);
      return;
    }
    socket.cork();
    for (const buffer of buffers) socket.write(buffer);
    socket.uncork();
  }
}
