import { randomBytes, randomInt } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { fitsEnvelope, openEnvelope, sealEnvelope } from '../../src/carrier/host-envelope.js';

describe('an envelope', () => {
  it.each([
    ['', '', ''],
    ['host', 'key#/#räum 日本#', 'text'],
    ['h'.repeat(300), 'c'.repeat(65_535), '\0\x01'],
  ])('opens to what was sealed: %#', (host, channel, text) => {
    const message = Buffer.from(text);

    expect(openEnvelope(sealEnvelope({ host, channel, message }))).toEqual({ host, channel, message });
  });

  it('is for channels whose name fits', () => {
    expect([fitsEnvelope('c'.repeat(65_535)), fitsEnvelope('ä'.repeat(32_768))]).toEqual([true, false]);
  });

  it('is nothing where it ends too early, and never throws', () => {
    const whole = sealEnvelope({ host: 'host', channel: 'channel', message: Buffer.alloc(0) });

    for (let length = 0; length < whole.length; length++)
      expect(openEnvelope(whole.subarray(0, length))).toBeUndefined();
    for (let round = 0; round < 10_000; round++) openEnvelope(randomBytes(randomInt(40)));
  });
});
