import { Logger } from '@nestjs/common';

/** Counts messages that could not be carried, and says so at the first, the second, the fourth, the eighth … */
export class LossLog {
  private readonly logger: Logger;
  private lost = 0;

  constructor(where: string) {
    this.logger = new Logger(where);
  }

  get total(): number {
    return this.lost;
  }

  /** Counts without a word what is said elsewhere. */
  count(messages: number): void {
    this.lost += messages;
  }

  say(messages: number, why: string): void {
    const before = Math.floor(Math.log2(this.lost));
    this.lost += messages;
    if (Math.floor(Math.log2(this.lost)) === before) return;
    this.logger.warn(`${why}: a message was not carried; ${this.lost} lost since the start`);
  }
}
