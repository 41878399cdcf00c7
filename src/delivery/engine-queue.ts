import type { EncodedPacket } from '../delivery.js';
import type { Droppable, Waiting } from './droppable.js';

/** A packet that Engine.IO could not give to the transport yet. */
export interface QueuedPacket {
  readonly data?: EncodedPacket;
  readonly options?: { readonly droppable?: Droppable };
}

/** Engine.IO's queue for one client, each packet counted once. It is empty, or a new one, once a transport took it. */
export class EngineQueue {
  bytes = 0;
  /** The largest packet of it. */
  largest = 0;
  private packets: QueuedPacket[] = [];
  private counted = 0;
  private began = 0;

  /** Takes note of what is there now. */
  look(packets: QueuedPacket[], now: number): void {
    if (packets !== this.packets || packets.length < this.counted || this.counted === 0) this.begin(packets, now);
    for (; this.counted < packets.length; this.counted++) {
      const length = lengthOf(packets[this.counted]!);
      this.bytes += length;
      this.largest = Math.max(this.largest, length);
    }
  }

  /** Since when no transport has taken anything, in milliseconds; undefined while nothing waits. */
  get since(): number | undefined {
    return this.counted > 0 ? this.began : undefined;
  }

  get waiting(): Waiting[] {
    return this.packets.map((packet) => ({ droppable: packet.options?.droppable, length: lengthOf(packet) }));
  }

  drop(messages: ReadonlySet<Droppable>): void {
    const { packets, began } = this;
    const kept = packets.filter(({ options }) => !options?.droppable || !messages.has(options.droppable));
    packets.length = 0;
    for (const packet of kept) packets.push(packet);
    this.begin(packets, began);
    this.look(packets, began);
  }

  clear(): void {
    this.packets.length = 0;
    this.begin(this.packets, 0);
  }

  private begin(packets: QueuedPacket[], now: number): void {
    this.packets = packets;
    this.began = now;
    this.counted = 0;
    this.bytes = 0;
    this.largest = 0;
  }
}

function lengthOf({ data }: QueuedPacket): number {
  return typeof data === 'string' ? Buffer.byteLength(data) : (data?.byteLength ?? 0);
}
