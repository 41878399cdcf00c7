export interface RestartLimits {
  /** How many failures within the window are forgiven. */
  readonly restarts: number;
  readonly windowMs: number;
  /** After this time as ready, a slot's earlier failures no longer lengthen its pause. */
  readonly healthyMs: number;
  readonly firstPauseMs: number;
  readonly longestPauseMs: number;
}

/** What is known of the failures so far. Times are of one monotonic clock, in milliseconds. */
export interface FailureHistory {
  /** Those within the window, the oldest first. */
  readonly failures: readonly number[];
  /** By slot, how many in a row. */
  readonly inARow: ReadonlyMap<number, number>;
}

export const noFailures: FailureHistory = { failures: [], inARow: new Map() };

/** Adds a failure of a slot whose worker had been ready for `readyForMs`. */
export function afterFailure(
  { failures, inARow }: FailureHistory,
  slot: number,
  readyForMs: number,
  limits: RestartLimits,
  now: number,
): FailureHistory {
  const before = readyForMs >= limits.healthyMs ? 0 : (inARow.get(slot) ?? 0);
  return {
    failures: [...failures.filter((at) => at > now - limits.windowMs), now].slice(-(limits.restarts + 1)),
    inARow: new Map(inARow).set(slot, before + 1),
  };
}

/** Until when the budget is spent: -Infinity while it is not. */
export function budgetSpentUntil({ failures }: FailureHistory, { restarts, windowMs }: RestartLimits): number {
  const oldest = failures.at(-(restarts + 1));
  return oldest === undefined ? -Infinity : oldest + windowMs;
}

/**
 * How long a slot stays empty after a failure: not at all the first time, then for a growing time.
 *
 * Half of it is chance (`random` in 0…1), so that workers which failed of one cause do not come back in step.
 */
export function restartPauseMs(
  inARow: number,
  { firstPauseMs, longestPauseMs }: RestartLimits,
  random: number,
): number {
  if (inARow <= 1) return 0;
  const pauseMs = Math.min(longestPauseMs, firstPauseMs * 2 ** Math.min(inARow - 2, 30));
  return Math.round(pauseMs / 2 + (random * pauseMs) / 2);
}
