import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { HeldMessages } from '../../src/carrier/held-messages.js';

const mebibyte = 1_048_576;

describe('messages that are held', () => {
  it('come back in their order, as they were, once', () => {
    const { held } = hold({});
    const message = Buffer.from('before');
    held.put('a', message);
    message.write('after!');
    held.put('b', Buffer.from('next'));

    expect(
      held.take().map(({ channel, message: { length }, message: bytes }) => [channel, bytes.toString(), length]),
    ).toEqual([
      ['a', 'before', 6],
      ['b', 'next', 4],
    ]);
    expect([held.size, held.take()]).toEqual([0, []]);
  });

  it('are dropped when they are too old, whether or not anybody asks, and counted', () => {
    const { held, dropped } = hold({ ageMs: 1_000 });
    held.put('a', Buffer.from('old'));
    vi.advanceTimersByTime(600);
    held.put('a', Buffer.from('young'));
    vi.advanceTimersByTime(500);

    expect(held.take().map(({ message }) => message.toString())).toEqual(['young']);
    expect(dropped()).toBe(1);
  });

  it('are dropped from the oldest when they are too many bytes', () => {
    const { held, dropped } = hold({ limitBytes: 10_000 });

    for (let sequence = 0; sequence < 100; sequence++) held.put('a', Buffer.alloc(1_000, sequence));

    expect(held.take().map(({ message }) => message[0])).toEqual([92, 93, 94, 95, 96, 97, 98, 99]);
    expect(dropped()).toBe(92);
  });

  it('are as few after ten minutes as after one, and lost to the last that was too old', () => {
    const { held, dropped } = hold({ ageMs: 5_000 });
    const sizes: number[] = [];

    for (let second = 1; second <= 600; second++) {
      for (let index = 0; index < 100; index++) held.put('a', Buffer.alloc(100));
      vi.advanceTimersByTime(1_000);
      held.expire();
      if (second % 60 === 0) sizes.push(held.size);
    }

    expect(sizes).toEqual(Array(10).fill(400));
    expect(dropped()).toBe(60_000 - 400);
  });

  it('are bounded in number as well', () => {
    const { held } = hold({ limitBytes: mebibyte });

    for (let sequence = 0; sequence < 1_000_000; sequence++) held.put('', Buffer.alloc(0));

    expect(held.size).toBeLessThan(10_000);
  });
});

function hold({ limitBytes = mebibyte, ageMs = 60_000 }) {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  let dropped = 0;
  const held = new HeldMessages(limitBytes, ageMs, (count) => (dropped += count));
  return { held, dropped: () => dropped };
}
