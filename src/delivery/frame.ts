import type { EncodedPacket } from '../delivery.js';

/** First bytes of WebSocket frames that are whole messages: https://www.rfc-editor.org/rfc/rfc6455#section-5.2 */
const [text, binary] = [0x81, 0x82];

/** Engine.IO's type of a packet that holds a message; binary ones have none over WebSocket. */
const message = 0x34;

/**
 * The WebSocket frames of one Socket.IO packet, as Engine.IO's protocol 4 has them, in one buffer: the same bytes for
 * every client. Nothing where the packet holds what Engine.IO alone can write.
 */
export function frameOf(packets: readonly EncodedPacket[]): Buffer | undefined {
  const [first] = packets;
  if (packets.length === 1 && typeof first === 'string') return textFrame(first);
  if (!packets.every(isWritable)) return undefined;
  return Buffer.concat(packets.map((packet) => (typeof packet === 'string' ? textFrame(packet) : binaryFrame(packet))));
}

function isWritable(packet: unknown): boolean {
  return typeof packet === 'string' || packet instanceof ArrayBuffer || ArrayBuffer.isView(packet);
}

function textFrame(packet: string): Buffer {
  const length = Buffer.byteLength(packet);
  const frame = Buffer.allocUnsafe(headerLength(length + 1) + 1 + length);
  const start = writeHeader(frame, text, length + 1);
  frame[start] = message;
  // Of ASCII both encodings are the same, and Latin-1 is the faster.
  frame.write(packet, start + 1, length, length === packet.length ? 'latin1' : 'utf8');
  return frame;
}

function binaryFrame(packet: Exclude<EncodedPacket, string>): Buffer {
  const { byteLength } = packet;
  const bytes = ArrayBuffer.isView(packet)
    ? new Uint8Array(packet.buffer, packet.byteOffset, byteLength)
    : new Uint8Array(packet);
  const frame = Buffer.allocUnsafe(headerLength(byteLength) + byteLength);
  frame.set(bytes, writeHeader(frame, binary, byteLength));
  return frame;
}

function headerLength(length: number): number {
  return length < 126 ? 2 : length < 65_536 ? 4 : 10;
}

/** Returns where the payload starts. */
function writeHeader(frame: Buffer, first: number, length: number): number {
  frame[0] = first;
  if (length < 126) {
    frame[1] = length;
    return 2;
  }
  if (length < 65_536) {
    frame[1] = 126;
    return frame.writeUInt16BE(length, 2);
  }
  frame[1] = 127;
  return frame.writeBigUInt64BE(BigInt(length), 2);
}
