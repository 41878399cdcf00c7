export const opcodes = { text: 1, binary: 2, close: 8 } as const;

/** Where a frame's payload lies; the bytes are read again by others as soon as the visit is over. */
type Visit = (opcode: number, bytes: Buffer, from: number, to: number) => void;

/**
 * Visits each whole frame that a server sends, and hands back where the last of them ends.
 *
 * No more than a bench needs of WebSocket, so that its clients take little time.
 *
 * @throws Error at a frame that is fragmented, masked or compressed: none of those measured sends such.
 */
export function readFrames(bytes: Buffer, from: number, to: number, visit: Visit): number {
  let at = from;
  while (to - at >= 2) {
    const [first, second] = [bytes[at]!, bytes[at + 1]!];
    if ((first & 0xf0) !== 0x80 || second > 127) throw new Error(`A frame begins with ${first} ${second}.`);
    const start = at + headerSize(second);
    if (start > to) break;
    const end = start + payloadSize(bytes, at, second);
    if (end > to) break;
    visit(first & 0x0f, bytes, start, end);
    at = end;
  }
  return at;
}

function headerSize(length: number): number {
  if (length < 126) return 2;
  return length === 126 ? 4 : 10;
}

function payloadSize(bytes: Buffer, at: number, length: number): number {
  if (length < 126) return length;
  return length === 126 ? bytes.readUInt16BE(at + 2) : Number(bytes.readBigUInt64BE(at + 2));
}

/** Reads frames out of chunks that end anywhere. */
export class FrameStream {
  private rest: Buffer | undefined;

  constructor(private readonly visit: Visit) {}

  /** Keeps none of the bytes of the chunk, which may be filled anew. */
  push(chunk: Buffer, length: number): void {
    const bytes = this.rest ? Buffer.concat([this.rest, chunk.subarray(0, length)]) : chunk;
    const to = this.rest ? bytes.length : length;
    const end = readFrames(bytes, 0, to, this.visit);
    this.rest = end === to ? undefined : Buffer.from(bytes.subarray(end, to));
  }
}

/** A client's text, masked as the protocol asks: with zeros, which leave it as it is. */
export function clientFrame(text: string): Buffer {
  const payload = Buffer.from(text);
  const header = Buffer.alloc(payload.length < 126 ? 6 : 8);
  header[0] = 0x80 | opcodes.text;
  header[1] = 0x80 | Math.min(payload.length, 126);
  if (payload.length >= 126) header.writeUInt16BE(payload.length, 2);
  return Buffer.concat([header, payload]);
}
