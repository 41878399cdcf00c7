import { RareLog } from './rare-log.js';

const longestText = 100;

/** Counts the messages that this process did not take, and says so in one line for each kind and minute. */
export class RefusedMessages {
  private readonly log: RareLog;
  private count = 0;

  constructor(now?: () => number) {
    this.log = new RareLog(RefusedMessages.name, now);
  }

  /** How many since the start, of all kinds. */
  get total(): number {
    return this.count;
  }

  /**
   * @param kind what the message should have been; one of a few, never what somebody else has written
   * @param where it arrived; somebody else may have chosen the name
   */
  add(kind: string, where: string, reason: unknown): void {
    this.count++;
    this.log.warn(kind, () => {
      const why = reason instanceof Error ? reason.message : String(reason);
      return `refused ${kind} on ${shown(where)} (${shown(why)}); ${this.count} messages refused since the start`;
    });
  }
}

/** Of this process, on whatever way they came. */
export const refusedMessages = new RefusedMessages();

/** Short and in one line, whoever wrote it. */
function shown(text: string): string {
  const line = text.slice(0, longestText).replaceAll(/\p{Cc}/gu, ' ');
  return text.length > longestText ? `${line}…` : line;
}
