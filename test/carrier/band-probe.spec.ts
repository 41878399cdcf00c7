import { describe, expect, it } from 'vitest';
import { BandProbe } from '../../src/carrier/band-probe.js';

const still = { publisher: 100, subscriber: 100 };

describe('a probe in the band', () => {
  it('is due again once its nonce has been heard', () => {
    const probe = new BandProbe(3);
    expect(probe.tick(still)).toBe('due');
    const nonce = probe.ask(still);

    probe.taken(nonce, still);

    expect(probe.heard(nonce)).toBe(true);
    expect(probe.tick(still)).toBe('due');
  });

  it('is late as soon as nothing has come for a tick, and fails after so many', () => {
    const probe = new BandProbe(3);
    probe.ask(still);
    expect(probe.isLate).toBe(false);

    expect([1, 2, 3].map(() => probe.tick(still))).toEqual(['late', 'late', 'failed']);
  });

  it('takes no other nonce for an answer, as an old one that a frozen Redis still had', () => {
    const probe = new BandProbe(3);
    const old = probe.ask(still);
    probe.forget();
    const nonce = probe.ask(still);

    expect([probe.heard(old), probe.heard('made up'), probe.heard(nonce), probe.heard(nonce)]).toEqual([
      false,
      false,
      true,
      false,
    ]);
  });

  it('waits while replies come to the publisher, as before the end of a backlog', () => {
    const probe = new BandProbe(2);
    probe.ask(still);

    expect([200, 300, 400].map((publisher) => probe.tick({ publisher, subscriber: 100 }))).toEqual([
      'waiting',
      'waiting',
      'waiting',
    ]);
  });

  it('fails where Redis takes it and the subscriber is dead, however much the publisher hears', () => {
    const probe = new BandProbe(2);
    probe.taken(probe.ask(still), still);

    expect([200, 300].map((publisher) => probe.tick({ publisher, subscriber: 100 }))).toEqual(['late', 'failed']);
  });

  it('waits while the subscriber hears something, but not for ever: it may be subscribed to all but this', () => {
    const probe = new BandProbe(2);
    probe.taken(probe.ask(still), still);
    const verdicts = Array.from({ length: 8 }, (_, tick) => probe.tick({ publisher: 100, subscriber: 200 + tick }));

    expect(verdicts).toEqual([...Array<string>(7).fill('waiting'), 'failed']);
  });

  it('gives the subscriber its whole time after Redis has taken the nonce', () => {
    const probe = new BandProbe(2);
    const nonce = probe.ask(still);
    probe.tick(still);
    probe.taken(nonce, still);

    expect([probe.tick(still), probe.tick(still)]).toEqual(['late', 'failed']);
  });
});
