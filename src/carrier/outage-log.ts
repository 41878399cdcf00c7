import { Logger } from '@nestjs/common';
import { LossLog } from './loss-log.js';

export interface OutageWords {
  /** Whose outages they are, such as `Redis at 10.0.0.1:6379`. */
  readonly server: string;
  /** What is said of it, such as `cannot be used` … */
  readonly away: string;
  /** … and `is back`. */
  readonly back: string;
}

interface Outage {
  readonly since: number;
  readonly lostBefore: number;
  readonly reason: string;
  isSaid: boolean;
}

/** Says in one line that a server is away, and in one that it is back, after how long and what was lost meanwhile. */
export class OutageLog {
  private readonly logger: Logger;
  private readonly losses: LossLog;
  private outage: Outage | undefined;

  /** @param briefMs an outage that lost nothing and is shorter is not worth a line */
  constructor(
    where: string,
    private readonly words: OutageWords,
    private readonly briefMs = 0,
  ) {
    this.logger = new Logger(where);
    this.losses = new LossLog(where);
  }

  /** How many messages were lost since the start. */
  get lost(): number {
    return this.losses.total;
  }

  /** When the outage began that is not over, in milliseconds since 1970. */
  get since(): number | undefined {
    return this.outage?.since;
  }

  /** @param why to say it now; without it, it is said when the outage is over */
  lose(messages: number, why?: string): void {
    if (why === undefined) this.losses.count(messages);
    else this.losses.say(messages, `${this.words.server} (${why})`);
  }

  begin({ message }: Error): void {
    this.outage ??= { since: Date.now(), lostBefore: this.lost, reason: message, isSaid: false };
    if (this.briefMs === 0) this.warn();
  }

  /** Called from time to time, says what turned out not to be brief. */
  warn(): void {
    const { outage } = this;
    if (!outage || outage.isSaid || Date.now() - outage.since < this.briefMs) return;
    outage.isSaid = true;
    const { server, away } = this.words;
    this.logger.warn(`${server} ${away} (${outage.reason}): trying again`);
  }

  end(): void {
    if (!this.outage) return;
    const { since, lostBefore, isSaid } = this.outage;
    this.outage = undefined;
    const lost = this.lost - lostBefore;
    if (lost === 0 && !isSaid) return;
    const { server, back } = this.words;
    this.logger.log(`${server} ${back} after ${Date.now() - since} ms; ${lost} messages were lost`);
  }
}
