import { vi } from 'vitest';
import { markFamily } from './processes.js';

/** A minute of chaos that fits on two cores. */
export const briefChaos = { seed: 8, seconds: 60, workers: 2, clients: 36 };

/** Marks all processes that this one starts, until `vi.unstubAllEnvs()`. */
export function markOwn() {
  const family = markFamily();
  for (const [name, value] of Object.entries(family.env)) vi.stubEnv(name, value);
  return family;
}
