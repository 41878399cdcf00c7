import type { Timing } from './timing.js';

/** The clock may be set right while a timer runs, so it is looked at again after so long. */
const longestDelayMs = 60_000;

/** Calls at each due time, by a clock that may be set right meanwhile. */
export class DueTimer {
  private timer: NodeJS.Timeout | undefined;
  private last = -Infinity;

  constructor(
    private readonly timing: Timing,
    private readonly now: () => number,
    /** `missed` more were due since it should have been called. */
    private readonly onDue: (due: number, missed: number) => void,
    /** Gets each timer that is set. */
    private readonly onArmed: (timer: NodeJS.Timeout) => void,
    private readonly isWanted: () => boolean,
  ) {}

  arm(): void {
    this.armAt(this.now());
  }

  stop(): void {
    clearTimeout(this.timer);
  }

  /** Of one reading of the clock all that follows from it is said: a second one may be past the due time. */
  private armAt(now: number): void {
    const due = this.timing.next(isNear(this.last, now) ? Math.max(now, this.last) : now);
    const delay = Math.max(1, Math.min(longestDelayMs, Math.ceil(due - now)));
    this.timer = setTimeout(() => this.fire(due), delay);
    this.onArmed(this.timer);
  }

  private fire(due: number): void {
    if (!this.isWanted()) return;
    const now = this.now();
    if (now < due) return this.armAt(now);
    const { due: latest = due, count } = this.timing.latest(due, now);
    this.last = latest;
    this.armAt(now);
    this.onDue(latest, count);
  }
}

/** Whether a due time may have been so by this clock, which has not been set back since. */
function isNear(due: number, now: number): boolean {
  return due <= now + longestDelayMs;
}
