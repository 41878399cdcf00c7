import { Logger } from '@nestjs/common';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { EmbeddedCarrier } from '../../src/carrier/embedded.carrier.js';

describe('an embedded carrier whose primary does not read', () => {
  it('counts each message that it drops, and says so seldomer the more there are', () => {
    const warn = vi.spyOn(Logger.prototype, 'warn').mockImplementation(() => {});
    onTestFinished(() => warn.mockRestore());
    const carrier = new EmbeddedCarrier({ send: () => {}, listen: () => () => {} }, 0);

    for (let message = 0; message < 100; message++) carrier.publish('channel', Buffer.from('text'));

    expect(carrier.health.lost).toBe(100);
    expect(warn.mock.calls.map(([line]) => /(\d+) lost/.exec(String(line))?.[1])).toEqual([
      '1',
      '2',
      '4',
      '8',
      '16',
      '32',
      '64',
    ]);
  });
});
