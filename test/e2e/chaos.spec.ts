import { afterEach, describe, expect, it, vi } from 'vitest';
import { runChaos } from '../../bench/chaos/run.js';
import { markFamily } from '../support/processes.js';

const seed = 8;
const size = { workers: 2, clients: 36 };

describe('chaos', () => {
  afterEach(() => void vi.unstubAllEnvs());

  it('that is ended in the middle of a fault says what there is, and leaves no process', async () => {
    const family = mark();
    const interrupted = new AbortController();

    const outcome = await runChaos({ seed, seconds: 60, ...size }, interrupted.signal, () => interrupted.abort());

    expect(Object.values(outcome.faults)).toEqual([1]);
    expect(outcome.ranMs).toBeLessThan(10_000);
    expect(outcome.verdict.sent).toBeGreaterThan(100);
    await family.gone();
  }, 120_000);
});

/** Marks what this process starts. */
function mark() {
  const family = markFamily();
  for (const [name, value] of Object.entries(family.env)) vi.stubEnv(name, value);
  return family;
}
