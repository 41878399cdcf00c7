import { z } from 'zod';
import { readJson } from './read-json.js';

/**
 * A reign of one leader over the fleet: the fencing token of everything that is done in its name.
 *
 * It only rises. Two holders may get the same counter where a failover of Redis has lost the first grant, so terms are
 * ordered by counter and holder.
 */
export interface Term {
  /** From 1; 0 is nobody's. */
  readonly counter: number;
  /** Who leads: one process of one host. */
  readonly holder: string;
}

/** Before any leader was heard of. */
export const noTerm: Term = { counter: 0, holder: '' };

const longestBytes = 1_024;

/** No fleet has had as many leaders, and there is room above it. */
const highestCounter = 2 ** 48;

export const termSchema = z.object({ counter: z.int().min(0).max(highestCounter), holder: z.string().max(512) });

/** Below 0 where `a` is the older term, above 0 where it is the newer one. */
export function compareTerms(a: Term, b: Term): number {
  if (a.counter !== b.counter) return a.counter - b.counter;
  return a.holder === b.holder ? 0 : a.holder < b.holder ? -1 : 1;
}

export function newerTerm(a: Term, b: Term): Term {
  return compareTerms(a, b) >= 0 ? a : b;
}

/** Undefined for what is no term. */
export function readTerm(message: Buffer): Term | undefined {
  return readJson(termSchema, message, longestBytes);
}
