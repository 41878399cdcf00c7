/** How much of the time that passes the clock may be slowed or hurried by, so that beats never stop or crowd. */
const slewRate = 0.05;

/** Behind by more than that, as after a suspended machine, it is set forward: hurrying would take hours. */
const mostBehindMs = 5_000;

/** Who says to have reached a time further ahead than that is not believed. */
const mostAheadMs = 86_400_000;

/** Of so many measurements the one with the shortest round trip counts. */
const samplesKept = 8;

/** By how much two clocks may drift apart between measurements. */
const driftMs = 50;

interface Sample {
  readonly offset: number;
  readonly roundTripMs: number;
}

/**
 * The time that all primaries of a fleet share, in milliseconds since 1970, as the lease server has it.
 *
 * It runs on this process's monotonic clock, and no wall clock of a host has a part in it: it is known once the lease
 * server has said what it is, or another primary what it has reached.
 */
export class FleetClock {
  /** Resolves once the time is known. */
  readonly known: Promise<void>;

  private readonly samples: Sample[] = [];
  private offset: number | undefined;
  private slewedAt = 0;
  private last = -Infinity;
  private becomeKnown!: () => void;

  constructor(private readonly monotonic: () => number = () => performance.now()) {
    this.known = new Promise((resolve) => (this.becomeKnown = resolve));
  }

  get isKnown(): boolean {
    return this.offset !== undefined;
  }

  /**
   * The time to count beats by: never less than it was before, and never behind what another primary was heard to have
   * reached. It is slowed or hurried towards what is measured.
   */
  now(): number {
    const at = this.monotonic();
    const offset = this.slew(at);
    this.last = Math.max(this.last, at + offset);
    return this.last;
  }

  /** The time as it is measured; it may go back when the lease server's clock does. */
  measured(): number {
    const target = this.target;
    return target === undefined ? this.now() : this.monotonic() + target;
  }

  /** Takes in what the lease server's clock said between two readings of the monotonic clock. */
  measure(sentAt: number, receivedAt: number, serverTime: number): void {
    const sample = { offset: serverTime - (sentAt + receivedAt) / 2, roundTripMs: receivedAt - sentAt };
    const best = this.best;
    // Both cannot be right, so one of the clocks was set, or this machine was suspended.
    if (best && Math.abs(sample.offset - best.offset) > (sample.roundTripMs + best.roundTripMs) / 2 + driftMs) {
      this.samples.length = 0;
    }
    this.samples.push(sample);
    if (this.samples.length > samplesKept) this.samples.shift();
    if (this.offset === undefined) this.begin(sample.offset);
  }

  /** Another primary says to have reached this time, so this one is not behind it. Returns whether that can be. */
  reach(time: number): boolean {
    if (this.offset === undefined) {
      this.begin(time - this.monotonic());
      return true;
    }
    if (time - this.measured() > mostAheadMs) return false;
    this.offset += Math.max(0, time - this.now());
    return true;
  }

  private begin(offset: number): void {
    this.slewedAt = this.monotonic();
    this.offset = offset;
    this.becomeKnown();
  }

  private get best(): Sample | undefined {
    return this.samples.length === 0
      ? undefined
      : this.samples.reduce((best, sample) => (sample.roundTripMs < best.roundTripMs ? sample : best));
  }

  private get target(): number | undefined {
    return this.best?.offset;
  }

  private slew(at: number): number {
    if (this.offset === undefined) throw new Error('The time of the fleet is not known yet: wait for `known`.');
    const most = (at - this.slewedAt) * slewRate;
    this.slewedAt = at;
    const { target = this.offset } = this;
    const missing = target - this.offset;
    this.offset += missing > mostBehindMs ? missing : Math.max(-most, Math.min(most, missing));
    return this.offset;
  }
}
