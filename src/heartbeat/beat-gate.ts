import { compareTerms, newerTerm, noTerm, type Term } from '../term.js';
import type { Beat } from './beat.js';

/** What has passed the gate so far. */
export interface GateState {
  readonly term: Term;
  readonly sequence: number;
}

/** `older term`: of a leader that has been followed by another. `repeated`: this number, or a later one, has passed. */
export type BeatRefusal = 'older term' | 'repeated';

export const openGate: GateState = { term: noTerm, sequence: -1 };

/** Why the beat may not pass; undefined where it may. */
export function refusalOf(
  { term, sequence }: GateState,
  beat: Pick<Beat, 'term' | 'sequence'>,
): BeatRefusal | undefined {
  if (compareTerms(beat.term, term) < 0) return 'older term';
  return beat.sequence <= sequence ? 'repeated' : undefined;
}

/**
 * What to give the clients for a beat that may pass: with it the one before, where that alone was lost on its way, as
 * when Redis goes and comes back between two beats.
 */
export function sequencesOf({ sequence: last }: GateState, { sequence }: Pick<Beat, 'sequence'>): number[] {
  return last >= 0 && sequence === last + 2 ? [last + 1, sequence] : [sequence];
}

/** The state after a beat that came, passed or not: whoever was followed by a newer leader stays so. */
export function passed(state: GateState, beat: Pick<Beat, 'term' | 'sequence'>): GateState {
  const term = newerTerm(state.term, beat.term);
  return refusalOf(state, beat) ? { ...state, term } : { term, sequence: beat.sequence };
}
