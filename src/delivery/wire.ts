import type { Writable } from 'node:stream';
import { Backlog, type Sent } from './backlog.js';
import type { Droppable } from './droppable.js';
import type { FrameChain } from './frame-chain.js';
import type { Turn } from './turn.js';

/** What one client may gather within a turn before it is written at once, so that a long turn holds little. */
const gatherBytes = 64 * 1024;

/** Hears of a client that leaves bytes waiting in this process. */
export interface Keeper<Client> {
  isBehind(client: Client): void;
}

/** Gathers what goes to one WebSocket during a turn of the event loop, and writes it at once. */
export class Wire {
  /** How many bytes it has ever given to the socket. */
  written = 0;
  /** The largest frame that it has given to the socket since that had last taken all. */
  largest = 0;

  private gathered: FrameChain | undefined;
  private clearedIn: FrameChain | undefined;
  private untold: Sent[] | undefined;
  private hasSaidAll = false;
  /** Holds back what may be dropped while the socket takes nothing. */
  private backlog: Backlog | undefined;
  private client: unknown;
  private keeper: Keeper<unknown> | undefined;

  constructor(
    private readonly socket: Writable,
    private readonly turn: Turn,
  ) {}

  /** Whether it was found in this turn that nothing stands before what is pushed, which holds until the next flush. */
  get isClear(): boolean {
    return this.clearedIn === this.turn.start;
  }

  /** How many bytes it holds that the socket has not been given. */
  get heldBytes(): number {
    return (this.gathered?.length ?? 0) + (this.backlog?.length ?? 0);
  }

  /** What it holds back because the socket takes nothing. */
  get heldBack(): Backlog | undefined {
    return this.backlog;
  }

  /** How many bytes the socket has been given and has not taken. */
  get untakenBytes(): number {
    return this.socket.writableLength;
  }

  /** Whether its connection is gone, and nothing can be taken any more. */
  get isOver(): boolean {
    return this.socket.destroyed;
  }

  /** From now on the keeper hears when the client leaves bytes waiting. */
  belongTo<Client>(client: Client, keeper: Keeper<Client>): void {
    this.client = client;
    this.keeper = keeper;
  }

  clear(): void {
    this.clearedIn = this.turn.start;
  }

  /** @param droppable is the message that the frame holds, if a slow client may miss it */
  push(frame: Buffer, droppable?: Droppable): void {
    if (this.hasSaidAll) return;
    const { turn } = this;
    if (!this.gathered) turn.add(this);
    this.gathered = (this.gathered ?? turn.start).with(frame, droppable);
    if (this.gathered.length >= gatherBytes) this.flush();
  }

  /** @param sent is called once the socket has taken the frame; never, where the connection ends before. */
  pushAndTell(frame: Buffer, sent: Sent): void {
    if (this.hasSaidAll) return;
    // Engine.IO waits for it, and what it is given until then would be overtaken.
    this.clearedIn = undefined;
    (this.untold ??= []).push(sent);
    this.push(frame);
  }

  flush(): void {
    const { gathered, untold, socket } = this;
    this.clearedIn = undefined;
    if (!gathered) return;
    this.gathered = undefined;
    this.untold = undefined;
    if (!socket.writable) return;
    if (this.holdsBack || (gathered.isDroppable && isStuck(socket))) {
      this.holdBack(gathered, untold);
    } else {
      this.write(gathered.buffers(), gathered.length, untold);
    }
    if (socket.writableLength > 0) this.tellKeeper(gathered);
  }

  /** Writes what was gathered, and nothing that comes later: a WebSocket says no more once it has said that it closes. */
  end(): void {
    this.flushAll();
    this.hasSaidAll = true;
  }

  /** Gives the socket all that there is, whether it takes it or not. */
  flushAll(): void {
    this.flush();
    while (this.holdsBack && this.socket.writable) this.writePortion();
  }

  /** Writes nothing any more, not even what it holds. */
  abandon(): void {
    this.hasSaidAll = true;
    this.gathered = undefined;
    this.untold = undefined;
    this.backlog?.clear();
  }

  private get holdsBack(): boolean {
    return this.backlog?.isEmpty === false;
  }

  private write(buffers: readonly Buffer[], length: number, untold: readonly Sent[] | undefined): void {
    const { socket } = this;
    this.written += length;
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

  private holdBack(gathered: FrameChain, untold: readonly Sent[] | undefined): void {
    if (!this.backlog) {
      this.backlog = new Backlog();
      this.socket.on('drain', () => this.goOn());
    }
    this.backlog.add(gathered.frames(), untold);
  }

  private goOn(): void {
    while (this.holdsBack && this.socket.writable && !isStuck(this.socket)) this.writePortion();
  }

  private writePortion(): void {
    const { frames, length, sent } = this.backlog!.take(gatherBytes);
    this.write(frames.length > 0 ? frames : [Buffer.alloc(0)], length, sent);
  }

  private tellKeeper({ frame, length }: FrameChain): void {
    const isAlone = this.untakenBytes + this.heldBytes <= length;
    this.largest = isAlone ? frame.length : Math.max(this.largest, frame.length);
    this.keeper?.isBehind(this.client);
  }
}

/** Whether the socket has more than it wants to have, and is going to say when it has taken all of it. */
function isStuck(socket: Writable): boolean {
  return socket.writableNeedDrain && socket.writableLength > 0;
}
