/**
 * The time during which this process was running, in milliseconds: while it stood still, nobody could have been given
 * anything, so nobody is to blame for what waited.
 */
export class WakingClock {
  private stoodStillMs = 0;
  private tickedAt = 0;

  constructor(private readonly monotonic: () => number = () => performance.now()) {}

  now(): number {
    return this.monotonic() - this.stoodStillMs;
  }

  /** From now on, `tick` is called. */
  begin(): void {
    this.tickedAt = this.monotonic();
  }

  /** Called about every `intervalMs`. What is more than twice as much since the last call is taken for standing still. */
  tick(intervalMs: number): void {
    const at = this.monotonic();
    const passed = at - this.tickedAt;
    if (passed > 2 * intervalMs) this.stoodStillMs += passed - intervalMs;
    this.tickedAt = at;
  }
}
