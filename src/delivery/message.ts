import type { EncodedPacket } from '../delivery.js';
import type { Droppable } from './droppable.js';
import { frameOf } from './frame.js';

/** A packet on its way to any number of clients: encoded, and put into frames, for the first that needs it. */
export class Message {
  private encoded: readonly EncodedPacket[] | undefined;
  private framed: Buffer | undefined;
  private wasFramed = false;

  constructor(
    private readonly encode: () => readonly EncodedPacket[] | EncodedPacket,
    /** What a slow client may miss of it: all or nothing. */
    readonly droppable?: Droppable,
  ) {}

  get packets(): readonly EncodedPacket[] {
    return (this.encoded ??= toList(this.encode()));
  }

  /** The same for every client; nothing where Engine.IO has to write it. */
  get frame(): Buffer | undefined {
    if (!this.wasFramed) {
      this.framed = frameOf(this.packets);
      this.wasFramed = true;
    }
    return this.framed;
  }
}

/** Not every parser makes a list of a packet without attachments. */
export function toList(packets: readonly EncodedPacket[] | EncodedPacket): readonly EncodedPacket[] {
  return Array.isArray(packets) ? (packets as readonly EncodedPacket[]) : [packets as EncodedPacket];
}
