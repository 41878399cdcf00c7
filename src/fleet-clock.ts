/** How much of the time that passes the clock may be slowed or hurried by, so that beats never stop or crowd. */
const slewRate = 0.05;

/** Of so many measurements the one with the shortest round trip counts. */
const samplesKept = 8;

interface Sample {
  readonly offset: number;
  readonly roundTripMs: number;
}

/**
 * The time that all primaries of a fleet share, in milliseconds since 1970, as the lease server has it.
 *
 * It runs on this process's monotonic clock and never goes back. A wall clock is its start alone, until the first
 * measurement; from then on it is hurried or slowed towards what is measured, and it is never behind what another
 * primary was heard to have reached.
 */
export class FleetClock {
  private readonly samples: Sample[] = [];
  private offset: number;
  private slewedAt: number;
  private last = -Infinity;
  private synchronised = false;

  constructor(
    private readonly monotonic: () => number = () => performance.now(),
    wallClock: () => number = Date.now,
  ) {
    this.slewedAt = monotonic();
    this.offset = wallClock() - this.slewedAt;
  }

  /** Never less than it was before. */
  now(): number {
    const at = this.monotonic();
    this.slew(at);
    this.last = Math.max(this.last, at + this.offset);
    return this.last;
  }

  /** Takes in what the lease server's clock said between two readings of the monotonic clock. */
  measure(sentAt: number, receivedAt: number, serverTime: number): void {
    const isRead = this.last > -Infinity;
    const before = isRead ? this.now() : -Infinity;
    this.samples.push({ offset: serverTime - (sentAt + receivedAt) / 2, roundTripMs: receivedAt - sentAt });
    if (this.samples.length > samplesKept) this.samples.shift();
    if (this.synchronised) return;
    this.synchronised = true;
    // Whoever has read it must not see it go back: then it is only slowed.
    this.slewedAt = this.monotonic();
    this.offset = Math.max(before - this.slewedAt, this.target);
  }

  /** Another primary has reached this time, so this one is not behind it. */
  reach(time: number): void {
    const behind = time - this.now();
    if (behind > 0) this.offset += behind;
  }

  private get target(): number {
    return this.samples.reduce((best, sample) => (sample.roundTripMs < best.roundTripMs ? sample : best)).offset;
  }

  private slew(at: number): void {
    const most = (at - this.slewedAt) * slewRate;
    this.slewedAt = at;
    if (this.samples.length === 0) return;
    this.offset += Math.max(-most, Math.min(most, this.target - this.offset));
  }
}
