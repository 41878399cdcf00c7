import { Logger } from '@nestjs/common';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { RefusedMessages } from '../src/refused-messages.js';

describe('refused messages', () => {
  it('are all counted', () => {
    const { refused } = given();

    for (let index = 0; index < 1_000; index++) refused.add('a broadcast', 'news', 'wrong');

    expect(refused.total).toBe(1_000);
  });

  it('are told of in one line for each kind and minute', () => {
    const { refused, lines, pass } = given();

    for (const kind of ['a broadcast', 'a request']) {
      for (let index = 0; index < 10; index++) refused.add(kind, 'news', new Error(`wrong ${index}`));
    }
    pass(59_999);
    refused.add('a broadcast', 'news', 'wrong');
    pass(1);
    refused.add('a broadcast', 'news', 'wrong again');

    expect(lines()).toEqual([
      'refused a broadcast on news (wrong 0); 1 messages refused since the start',
      'refused a request on news (wrong 0); 11 messages refused since the start',
      'refused a broadcast on news (wrong again); 22 messages refused since the start (and 10 times more since it was last said)',
    ]);
  });

  it('cannot write lines of their own, nor long ones', () => {
    const { refused, lines } = given();

    refused.add('a broadcast', 'news\n[ERROR] all is lost\u001b[2J', 'x'.repeat(10_000));

    expect(lines()[0]).toMatch(/^refused a broadcast on news \[ERROR\] all is lost \[2J \(x{100}…\)/);
  });
});

function given() {
  const warn = vi.spyOn(Logger.prototype, 'warn').mockImplementation(() => {});
  onTestFinished(() => warn.mockRestore());
  let now = 0;
  return {
    refused: new RefusedMessages(() => now),
    lines: () => warn.mock.calls.map(([line]) => line as string),
    pass: (ms: number) => void (now += ms),
  };
}
