import type { ServerResponse } from 'node:http';
import { chooseDropped, type Droppable } from './droppable.js';
import type { EngineConnection } from './engine-connection.js';
import { EngineQueue } from './engine-queue.js';
import { Progress } from './progress.js';
import type { WakingClock } from './waking-clock.js';
import type { Wire } from './wire.js';

/** All that waits in this process for one client, wherever it does. Kept only of clients that are behind. */
export class ClientBacklog {
  /** Whether its connection is about to be cut. */
  isCondemned = false;

  private readonly queue = new EngineQueue();
  private wire: Wire | undefined;
  private progress = new Progress();
  private responses: { readonly response: ServerResponse; readonly since: number }[] = [];

  constructor(
    readonly conn: EngineConnection,
    private readonly clock: WakingClock,
  ) {}

  get bytes(): number {
    this.queue.look(this.conn.writeBuffer, this.clock.now());
    const answered = this.responses.reduce((sum, { response }) => sum + response.writableLength, 0);
    return this.queue.bytes + answered + this.webSocketBytes;
  }

  /** The largest message that may be among it. */
  get largest(): number {
    return Math.max(this.queue.largest, this.conn.transport.socket?.wire?.largest ?? 0);
  }

  /** What `ws` still has to compress is part of its own figure. */
  private get webSocketBytes(): number {
    const { socket } = this.conn.transport;
    if (!socket?.wire || socket.wire.isOver) return 0;
    return (socket.bufferedAmount ?? 0) + socket.wire.heldBytes;
  }

  /** An answer to a poll, which the client may leave lying as well. */
  addResponse(response: ServerResponse): void {
    this.responses = this.responses.filter((known) => known.response.writableLength > 0);
    this.responses.push({ response, since: this.clock.now() });
  }

  /**
   * Since when the oldest byte waits that has left for the client, or that no transport takes, in milliseconds. What is
   * held back to be dropped is not part of it.
   */
  since(): number {
    const now = this.clock.now();
    const wire = this.conn.transport.socket?.wire;
    if (wire !== this.wire) {
      this.wire = wire;
      this.progress = new Progress();
    }
    this.queue.look(this.conn.writeBuffer, now);
    this.responses = this.responses.filter(({ response }) => response.writableLength > 0);
    return Math.min(
      wire && !wire.isOver ? (this.progress.since(now, wire.written, wire.untakenBytes) ?? now) : now,
      this.queue.since ?? now,
      this.responses[0]?.since ?? now,
    );
  }

  /**
   * Drops messages until so many bytes are gone, and those that were sent before then, as far as there are such that may
   * be dropped. Returns how many messages.
   */
  drop(bytes: number, sentBefore: number): number {
    const held = this.conn.transport.socket?.wire?.heldBack;
    this.queue.look(this.conn.writeBuffer, this.clock.now());
    const waiting = [...(held?.waiting ?? []), ...this.queue.waiting];
    const dropped: ReadonlySet<Droppable> = chooseDropped(waiting, bytes, sentBefore);
    if (dropped.size === 0) return 0;
    held?.drop(dropped);
    this.queue.drop(dropped);
    return dropped.size;
  }

  /** Lets go of what has not been given to the system. Nothing is written any more. */
  abandon(): void {
    this.conn.transport.socket?.wire?.abandon();
    this.conn.writeBuffer.length = 0;
  }

  /** Cuts the connection, whatever it still has to say. */
  cut(): void {
    this.conn.transport.socket?.terminate();
    for (const { response } of this.responses) response.destroy();
  }
}
