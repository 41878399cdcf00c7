import type { Writable } from 'node:stream';
import type { FrameChain } from './frame-chain.js';
import type { Turn } from './turn.js';

/** What one client may gather within a turn before it is written at once, so that a long turn holds little. */
const gatherBytes = 64 * 1024;

export type Sent = (error?: Error) => void;

/** Gathers what goes to one WebSocket during a turn of the event loop, and writes it at once. */
export class Wire {
  private gathered: FrameChain | undefined;
  private clearedIn: FrameChain | undefined;
  private untold: Sent[] | undefined;
  private hasSaidAll = false;

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

  /** @param sent is called once the socket has taken the frame; never, where the connection ends before. */
  push(frame: Buffer, sent?: Sent): void {
    if (this.hasSaidAll) return;
    const { turn } = this;
    if (!this.gathered) turn.add(this);
    this.gathered = (this.gathered ?? turn.start).with(frame);
    if (sent) {
      // Engine.IO waits for it, and what it is given until then would be overtaken.
      this.clearedIn = undefined;
      (this.untold ??= []).push(sent);
    }
    if (this.gathered.length >= gatherBytes) this.flush();
  }

  flush(): void {
    const { gathered, untold, socket } = this;
    this.clearedIn = undefined;
    if (!gathered) return;
    this.gathered = undefined;
    this.untold = undefined;
    if (!socket.writable) return;
    const buffers = gathered.buffers();
    if (buffers.length === 1 && !untold) {
      socket.write(buffers[0]);
      return;
    }
    socket.cork();
    for (const buffer of buffers.slice(0, -1)) socket.write(buffer);
    socket.write(buffers.at(-1), (error) => {
      for (const sent of untold ?? []) sent(error ?? undefined);
    });
    socket.uncork();
  }

  /** Writes what was gathered, and nothing that comes later: a WebSocket says no more once it has said that it closes. */
  end(): void {
    this.flush();
    this.hasSaidAll = true;
  }
}
