import { array, assert, constantFrom, integer, property, record } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { clientFrame, FrameStream, opcodes } from '../../../bench/fanout/frames.js';

describe('a stream of frames', () => {
  it.each([
    ['short', integer({ min: 0, max: 300 }), integer({ min: 1, max: 400 })],
    ['long', constantFrom(125, 126, 65_535, 65_536, 70_000), integer({ min: 5_000, max: 100_000 })],
  ])('gives each payload once, wherever the chunks end: %s', (_, sizes, chunks) => {
    const sent = array(record({ size: sizes, opcode: constantFrom(opcodes.text, opcodes.binary) }), { maxLength: 10 });

    assert(
      property(sent, array(chunks, { minLength: 1 }), (shapes, chunkSizes) => {
        const frames = shapes.map(({ size, opcode }, index) => ({ opcode, text: `${index}`.repeat(size) }));
        const bytes = Buffer.concat(frames.map(({ opcode, text }) => serverFrame(opcode, Buffer.from(text))));

        expect(readInChunks(bytes, chunkSizes)).toEqual(frames);
      }),
    );
  });

  it.each([
    ['masked', clientFrame('hello')],
    ['fragmented', Buffer.from([0x01, 0x00])],
    ['compressed', Buffer.from([0xc1, 0x00])],
  ])('refuses a frame that is %s', (_, bytes) => {
    expect(() => readInChunks(bytes, [100])).toThrow('A frame begins with');
  });
});

/** In one memory that is filled anew for each chunk. */
function readInChunks(bytes: Buffer, sizes: readonly number[]) {
  const read: { opcode: number; text: string }[] = [];
  const stream = new FrameStream((opcode, chunk, from, to) =>
    read.push({ opcode, text: chunk.toString('utf8', from, to) }),
  );
  const memory = Buffer.alloc(Math.max(...sizes));
  for (let from = 0, turn = 0; from < bytes.length; turn++) {
    const length = bytes.copy(memory, 0, from, Math.min(bytes.length, from + sizes[turn % sizes.length]!));
    stream.push(memory, length);
    memory.fill(0xff);
    from += length;
  }
  return read;
}

function serverFrame(opcode: number, payload: Buffer): Buffer {
  return Buffer.concat([Buffer.from([0x80 | opcode]), sizeOf(payload.length), payload]);
}

function sizeOf(length: number): Buffer {
  if (length < 126) return Buffer.from([length]);
  const bytes = Buffer.from([length < 65_536 ? 126 : 127, 0, 0, 0, 0, 0, 0, 0, 0]);
  if (length >= 65_536) {
    bytes.writeBigUInt64BE(BigInt(length), 1);
    return bytes;
  }
  bytes.writeUInt16BE(length, 1);
  return bytes.subarray(0, 3);
}
