import { describe, expect, it } from 'vitest';
import { longestGapMs, runFleetThroughFaults } from '../e2e/fleet.contract.js';

/** SEED repeats a run. */
const seed = Number(process.env['SEED'] ?? Date.now() % 2 ** 31);

describe(`three hosts under two minutes of faults (SEED=${seed})`, () => {
  it('give no client a beat twice or backwards, and none a longer gap than the takeover', async () => {
    const report = await runFleetThroughFaults(seed, [], 120_000);

    expect(report).toMatchObject({ doubled: 0, backwards: 0, leaders: { length: 1 } });
    expect(report.missing).toBeLessThanOrEqual(report.missingAtMost);
    expect(report.longestGapMs).toBeLessThan(longestGapMs);
  });
});
