import { afterFailure, budgetSpentUntil, noFailures, restartPauseMs, type RestartLimits } from './restart-budget.js';

/** Remembers how workers failed, and what that means for when their slots may be filled again. */
export class RestartLedger {
  /** By slot, until when nothing is forked into it. */
  readonly pauses = new Map<number, number>();
  private history = noFailures;

  constructor(private readonly limits: RestartLimits) {}

  /** Notes that a slot's worker failed after `readyForMs` as ready, and returns for how long the slot stays empty. */
  note(slot: number, readyForMs: number, now: number): number {
    this.history = afterFailure(this.history, slot, readyForMs, this.limits, now);
    const pauseMs = restartPauseMs(this.history.inARow.get(slot) ?? 0, this.limits, Math.random());
    this.pauses.set(slot, now + pauseMs);
    return pauseMs;
  }

  /** A slot whose worker is ready owes nothing any more. */
  settle(slot: number): void {
    this.pauses.delete(slot);
  }

  get budgetSpentUntil(): number {
    return budgetSpentUntil(this.history, this.limits);
  }
}
