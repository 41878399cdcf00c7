import { Logger } from '@nestjs/common';

const minuteMs = 60_000;

interface Kind {
  total: number;
  said: number;
  saidAt: number;
}

/** Counts what was done about slow clients, and says it: a line for each kind and minute, not for each client. */
export class SlowClientLog {
  private readonly logger = new Logger('SlowClients');
  private readonly kinds = new Map<string, Kind>();

  total(kind: string): number {
    return this.kinds.get(kind)?.total ?? 0;
  }

  count(kind: string, times: number, now: number): void {
    const known = this.kinds.get(kind) ?? { total: 0, said: 0, saidAt: -Infinity };
    this.kinds.set(kind, known);
    known.total += times;
    this.say(kind, known, now);
  }

  /** Says what has been counted since the last lines, where they are old enough. */
  sayRest(now: number): void {
    for (const [kind, known] of this.kinds) this.say(kind, known, now);
  }

  private say(kind: string, known: Kind, now: number): void {
    const { total, said, saidAt } = known;
    if (total === said || now - saidAt < minuteMs) return;
    this.logger.warn(`${kind}: ${total - said}, and ${total} since the start`);
    known.said = total;
    known.saidAt = now;
  }
}
