import { afterEach, describe, expect, it, vi } from 'vitest';
import { runChaos } from '../../bench/chaos/run.js';
import { briefChaos, markOwn } from '../support/brief-chaos.js';

describe('chaos', () => {
  afterEach(() => void vi.unstubAllEnvs());

  it('that is ended in the middle of a fault says what there is, and leaves no process', async () => {
    const family = markOwn();
    const interrupted = new AbortController();

    const outcome = await runChaos(briefChaos, interrupted.signal, () => interrupted.abort());

    expect(Object.values(outcome.faults)).toEqual([1]);
    expect(outcome.ranMs).toBeLessThan(10_000);
    expect(outcome.verdict.sent).toBeGreaterThan(100);
    await family.gone();
  }, 120_000);
});
