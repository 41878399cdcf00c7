export interface SlotHistory {
  /** How many workers in a row died before they had been healthy for long enough. */
  readonly deaths: number;
}

const pause = {
  firstMs: 250,
  longestMs: 10_000,
  /** After this time as ready, earlier deaths no longer count. */
  healthyMs: 30_000,
};

/** What is known of a slot once its worker has died after `readyForMs` as ready. */
export function afterDeath({ deaths }: SlotHistory, readyForMs: number): SlotHistory {
  return { deaths: readyForMs >= pause.healthyMs ? 1 : deaths + 1 };
}

/**
 * How long a slot stays empty: not at all the first time, then for a growing time.
 *
 * Half of it is chance (`random` in 0…1), so that workers which died of one cause do not come back in step.
 */
export function restartPauseMs({ deaths }: SlotHistory, random: number): number {
  if (deaths <= 1) return 0;
  const longest = Math.min(pause.longestMs, pause.firstMs * 2 ** (deaths - 2));
  return longest / 2 + (random * longest) / 2;
}
