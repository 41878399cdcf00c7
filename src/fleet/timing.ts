import { CronTime } from 'cron';

/** When a job is due. Times are milliseconds since 1970 by the fleet's clock, so that every primary has the same ones. */
export interface Timing {
  readonly description: string;
  /** The first time after this one. */
  next(after: number): number;
  /** The last time that is not after this one, and how many there are after `since`. */
  latest(since: number, until: number): { readonly due: number | undefined; readonly count: number };
}

/** More missed times than that are not counted one by one. */
const mostCounted = 10_000;

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
    return { due: count > 0 ? Math.floor(until / this.ms) * this.ms : undefined, count };
  }
}

export class CronTiming implements Timing {
  readonly description: string;
  private readonly time: CronTime;

  /** @throws Error when the expression or the time zone is wrong. */
  constructor(
    expression: string,
    private readonly timeZone: string | undefined,
  ) {
    this.time = new CronTime(expression, timeZone);
    this.description = timeZone === undefined ? expression : `${expression} (${timeZone})`;
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
    return { due, count };
  }
}
