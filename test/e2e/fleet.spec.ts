import { describe, it } from 'vitest';
import { expectNoDoubledBeat, faults, runFleetThroughFaults } from './fleet.contract.js';

describe('three hosts under one fault of each kind', () => {
  it('give no client a beat twice or backwards, and none a longer gap than the takeover', async () => {
    expectNoDoubledBeat(await runFleetThroughFaults(7, Object.keys(faults), 0));
  });
});
