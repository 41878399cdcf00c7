import type { LeaderStatus } from './fleet-status.js';
import type { Term } from './term.js';

/**
 * Which primary of the fleet does what must happen once.
 *
 * A class, so that it is its own injection token.
 */
export abstract class Leadership {
  /** The term in which this primary leads at this moment; undefined where it does not. Ask at every act. */
  abstract readonly term: Term | undefined;

  /** The newest term that this primary knows of. */
  abstract readonly newestTerm: Term;

  /** Who leads, as far as this primary knows. */
  abstract readonly status: LeaderStatus;

  /** A term was heard of: this primary will lead in none that is older. */
  abstract observe(term: Term): void;

  /** Calls `listener` whenever this primary begins or ceases to lead; returns what ends that. */
  abstract onChange(listener: (term: Term | undefined) => void): () => void;
}
