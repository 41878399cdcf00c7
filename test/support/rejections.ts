import { setImmediate as turn } from 'node:timers/promises';
import { expect, onTestFinished } from 'vitest';

/** From here on, nothing may be rejected or thrown without somebody to hear it: call the result at the end. */
export function watchForUnhandled(): () => Promise<void> {
  const unheard: unknown[] = [];
  const note = (reason: unknown): void => void unheard.push(reason);
  process.on('unhandledRejection', note);
  process.on('uncaughtException', note);
  onTestFinished(() => {
    process.off('unhandledRejection', note);
    process.off('uncaughtException', note);
  });
  return async () => {
    // Node reports a rejection after the microtasks of the turn in which it came.
    await turn();
    await turn();
    expect(unheard).toEqual([]);
  };
}
