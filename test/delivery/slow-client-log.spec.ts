import { Logger } from '@nestjs/common';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { SlowClientLog } from '../../src/delivery/slow-client-log.js';

describe('the log of slow clients', () => {
  const lines: unknown[] = [];

  beforeEach(() => {
    lines.length = 0;
    vi.spyOn(Logger.prototype, 'warn').mockImplementation((line: unknown) => void lines.push(line));
    return () => vi.restoreAllMocks();
  });

  it('has one line for each kind and minute, with all that the minute brought', () => {
    const log = new SlowClientLog();

    for (let ms = 0; ms <= 60_000; ms += 100) log.count('clients disconnected', 2, ms);
    log.count('messages dropped', 5, 60_000);

    expect(lines).toEqual([
      'clients disconnected: 2, and 2 since the start',
      'clients disconnected: 1200, and 1202 since the start',
      'messages dropped: 5, and 5 since the start',
    ]);
    expect(log.total('clients disconnected')).toBe(1202);
    expect(log.total('anything else')).toBe(0);
  });

  it('says in the end what came after its last line, and nothing twice', () => {
    const log = new SlowClientLog();
    log.count('messages dropped', 1, 0);
    log.count('messages dropped', 1, 1_000);

    for (const ms of [30_000, 60_000, 120_000]) log.sayRest(ms);

    expect(lines).toEqual(['messages dropped: 1, and 1 since the start', 'messages dropped: 1, and 2 since the start']);
  });
});
