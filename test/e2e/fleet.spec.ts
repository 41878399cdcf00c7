import { describe, expect, it } from 'vitest';
import { faults, longestGapMs, runFleetThroughFaults } from './fleet.contract.js';

describe('three hosts under one fault of each kind', () => {
  it('give no client a beat twice or backwards, and none a longer gap than the takeover', async () => {
    const report = await runFleetThroughFaults(7, Object.keys(faults), 0);

    expect(report).toMatchObject({ doubled: 0, backwards: 0, leaders: { length: 1 } });
    expect(report.missing).toBeLessThanOrEqual(report.missingAtMost);
    expect(report.longestGapMs).toBeLessThan(longestGapMs);
  });
});
