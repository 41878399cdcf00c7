import type { Writable } from 'node:stream';
import * as fc from 'fast-check';
import * as ws from 'ws';
import { describe, expect, it } from 'vitest';
import { frameOf } from '../../src/delivery/frame.js';

describe('The frames of a packet', () => {
  it.each([0, 1, 124, 125, 126, 65_534, 65_535, 65_536, 200_000])('hold a text of %i characters', (length) => {
    const text = 'x'.repeat(length);

    expect(read(frameOf([text])!)).toEqual([`4${text}`]);
  });

  it('hold any text as UTF-8', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        expect(read(frameOf([text])!)).toEqual([`4${text}`]);
      }),
    );
  });

  it.each([0, 125, 126, 65_535, 65_536])('hold an attachment of %i bytes behind its text', (length) => {
    const attachment = Buffer.alloc(length, 7);

    expect(read(frameOf(['51-["a",{"_placeholder":true,"num":0}]', attachment])!)).toEqual([
      '451-["a",{"_placeholder":true,"num":0}]',
      attachment,
    ]);
  });

  it('hold every kind of bytes that Engine.IO takes', () => {
    const bytes = Uint8Array.from([1, 2, 3, 4, 5, 6, 7, 8]);
    const part = new Uint16Array(bytes.buffer, 2, 2);

    expect(read(frameOf([bytes, bytes.buffer, part, new DataView(bytes.buffer, 1, 1)])!)).toEqual([
      Buffer.from(bytes),
      Buffer.from(bytes),
      Buffer.from([3, 4, 5, 6]),
      Buffer.from([2]),
    ]);
  });

  it('hold what a parser makes that packs everything into bytes', () => {
    expect(read(frameOf([Buffer.from([0x93, 1])])!)).toEqual([Buffer.from([0x93, 1])]);
  });

  it('are none where Engine.IO has to write the packet', () => {
    expect(frameOf(['5', new Blob(['x']) as never])).toBeUndefined();
  });
});

/** What a WebSocket client makes of the bytes, which must be whole frames. */
function read(frames: Buffer): unknown[] {
  const messages: unknown[] = [];
  const { Receiver } = ws as unknown as { Receiver: new () => Writable };
  const receiver = new Receiver();
  receiver.on('message', (data: Buffer, isBinary: boolean) => messages.push(isBinary ? data : data.toString()));
  receiver.write(frames);
  return messages;
}
