import { describe, expect, it } from 'vitest';
import { FrameChain } from '../../src/delivery/frame-chain.js';

const [a, b, c] = ['a', 'b', 'c'].map((letter) => Buffer.from(letter)) as [Buffer, Buffer, Buffer];

describe('A chain of frames', () => {
  it('is one buffer with all of them in order', () => {
    const chain = FrameChain.start().with(a).with(b).with(c);

    expect(chain.length).toBe(3);
    expect(text(chain)).toEqual(['abc']);
  });

  it('is put together once for all clients that got the same frames', () => {
    const start = FrameChain.start();
    const one = start.with(a).with(b);
    const other = start.with(a).with(b);

    expect(other).toBe(one);
    expect(other.buffers()[0]).toBe(one.buffers()[0]);
  });

  it('parts where a client gets something of its own, before and behind which others go on together', () => {
    const start = FrameChain.start();
    const [one, two, three] = [start.with(a), start.with(a), start.with(a)];
    const own = one.with(c).with(b);
    const [next, last] = [two.with(b), three.with(b)];

    expect(text(own)).toEqual(['acb']);
    expect(last).toBe(next);
    expect(text(last)).toEqual(['ab']);
  });

  it('is the frame itself where there is one', () => {
    expect(FrameChain.start().with(a).buffers()[0]).toBe(a);
  });

  it('tells equal frames of two messages apart', () => {
    const start = FrameChain.start();

    expect(start.with(Buffer.from('a'))).not.toBe(start.with(Buffer.from('a')));
  });

  it('is not copied for one client where it is long', () => {
    const long = Buffer.alloc(20_000);
    const chain = FrameChain.start().with(long).with(a);

    expect(chain.buffers()).toEqual([long, a]);
    expect(chain.buffers()[0]).not.toBe(long);
    expect(chain.buffers()).toHaveLength(1);
  });
});

function text(chain: FrameChain): string[] {
  return chain.buffers().map(String);
}
