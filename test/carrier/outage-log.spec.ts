import { Logger } from '@nestjs/common';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { OutageLog } from '../../src/carrier/outage-log.js';

const words = { server: 'Redis at here:1', away: 'cannot be used', back: 'is back' };

describe('what a log says of an outage', () => {
  let said: string[];

  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['Date'] });
    said = [];
    for (const level of ['warn', 'log'] as const) {
      vi.spyOn(Logger.prototype, level).mockImplementation((text: string) => void said.push(text));
    }
  });

  afterEach(() => {
    vi.restoreAllMocks();
    vi.useRealTimers();
  });

  it('is one line as it begins and one as it ends, with what was lost meanwhile', () => {
    const log = new OutageLog('Test', words);
    log.lose(3);
    log.begin(new Error('it is silent'));
    log.begin(new Error('and refuses'));
    log.lose(2);
    vi.setSystemTime(Date.now() + 1_500);

    log.end();
    log.end();

    expect(said).toEqual([
      'Redis at here:1 cannot be used (it is silent): trying again',
      'Redis at here:1 is back after 1500 ms; 2 messages were lost',
    ]);
    expect(log.lost).toBe(5);
    expect(log.since).toBeUndefined();
  });

  it('is nothing where it was brief and nothing was lost', () => {
    const log = new OutageLog('Test', words, 1_000);
    log.begin(new Error('slots have moved'));
    vi.setSystemTime(Date.now() + 999);
    log.warn();

    log.end();

    expect(said).toEqual([]);
  });

  it('is said of a brief one that lost something, and of a longer one while it lasts', () => {
    const log = new OutageLog('Test', words, 1_000);
    log.begin(new Error('slots have moved'));
    log.lose(1);
    log.end();
    log.begin(new Error('slots have moved'));
    vi.setSystemTime(Date.now() + 1_000);
    log.warn();
    log.warn();

    expect(said).toEqual([
      'Redis at here:1 is back after 0 ms; 1 messages were lost',
      'Redis at here:1 cannot be used (slots have moved): trying again',
    ]);
  });

  it('is the loss itself where a reason is given', () => {
    new OutageLog('Test', words).lose(1, 'it does not answer');

    expect(said).toEqual(['Redis at here:1 (it does not answer): a message was not carried; 1 lost since the start']);
  });
});
