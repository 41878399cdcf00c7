import { CronTime } from 'cron';

/** When a job is due. Times are milliseconds since 1970 by the fleet's clock, so that every primary has the same ones. */
export interface Timing {
  readonly description: string;
  /** The first time after this one. */
  next(after: number): number;
  /** The last time that is not after `until`, and how many there are after `since`: 100 may be more. */
  latest(since: number, until: number): { readonly due: number | undefined; readonly count: number };
}

/** So many due times are counted, and no more: it takes time to find each. */
export const mostCounted = 100;

/** Due at each multiple of the interval. */
export class IntervalTiming implements Timing {
  readonly description: string;

  /** @throws RangeError */
  constructor(private readonly ms: number) {
    if (!Number.isInteger(ms) || ms < 10 || ms > 2 ** 31 - 1) {
      throw new RangeError(`a whole number of milliseconds from 10 to ${2 ** 31 - 1}, got ${ms}`);
    }
    this.description = `every ${ms} ms`;
  }

  next(after: number): number {
    return (Math.floor(after / this.ms) + 1) * this.ms;
  }

  latest(since: number, until: number) {
    const count = Math.max(0, Math.floor(until / this.ms) - Math.floor(since / this.ms));
    const due = count > 0 ? Math.floor(until / this.ms) * this.ms : undefined;
    return { due, count: Math.min(mostCounted, count) };
  }
}

export class CronTiming implements Timing {
  readonly description: string;
  private readonly time: CronTime;

  /** @throws Error when the expression or the time zone is wrong, or there is no such time. */
  constructor(
    expression: string,
    private readonly timeZone: string,
  ) {
    this.time = new CronTime(expression, timeZone);
    this.description = `${expression} (${timeZone})`;
    this.next(Date.now());
  }

  next(after: number): number {
    return this.time.getNextDateFrom(new Date(after), this.timeZone).toMillis();
  }

  latest(since: number, until: number) {
    let due: number | undefined;
    let count = 0;
    for (let at = this.next(since); at <= until && count < mostCounted; at = this.next(at)) {
      due = at;
      count++;
    }
    return { due: count < mostCounted ? due : this.lastOf(since, until), count };
  }

  /** The last of many, in few steps. */
  private lastOf(since: number, until: number): number {
    let [low, high] = [since, until];
    while (high - low > 1_000) {
      const middle = (low + high) / 2;
      if (this.next(middle) <= until) low = middle;
      else high = middle;
    }
    return this.next(low);
  }
}
