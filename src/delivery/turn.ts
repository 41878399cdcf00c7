import { FrameChain } from './frame-chain.js';

export interface Flushable {
  flush(): void;
}

/**
 * Flushes at the end of a turn of the event loop what was gathered during it.
 *
 * `setImmediate` comes after the turn's input and before the loop waits for more, so nothing is held back: with little
 * to do a message leaves at once, and the more there is, the more of it each write takes.
 */
export class Turn {
  /** Where the chains of this turn begin. */
  start = FrameChain.start();

  private flushables: Flushable[] = [];

  /** Whatever was found out during the turn has to be found out again. */
  restart(): void {
    this.start = FrameChain.start();
  }

  add(flushable: Flushable): void {
    if (this.flushables.push(flushable) === 1) setImmediate(() => this.end());
  }

  end(): void {
    const { flushables } = this;
    this.flushables = [];
    this.restart();
    for (const flushable of flushables) flushable.flush();
  }
}
