import { describe, it } from 'vitest';
import { expectNoDoubledBeat, runFleetThroughFaults } from '../e2e/fleet.contract.js';

/** SEED repeats a run. */
const seed = Number(process.env['SEED'] ?? Date.now() % 2 ** 31);

describe(`three hosts under two minutes of faults (SEED=${seed})`, () => {
  it('give no client a beat twice or backwards, and none a longer gap than the takeover', async () => {
    expectNoDoubledBeat(await runFleetThroughFaults(seed, [], 120_000));
  });
});
