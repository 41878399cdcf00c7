import { Logger } from '@nestjs/common';

const quietMs = 60_000;

interface Kind {
  saidAt: number;
  unsaid: number;
}

/** Warns once for each kind and minute, however often there is a reason to: what comes in floods must not flood the log. */
export class RareLog {
  private readonly logger: Logger;
  private readonly kinds = new Map<string, Kind>();

  constructor(
    where: string,
    private readonly now: () => number = () => performance.now(),
  ) {
    this.logger = new Logger(where);
  }

  /** @param kind one of a few, never what somebody else has written */
  warn(kind: string, text: () => string): void {
    const known = this.kinds.get(kind);
    const now = this.now();
    if (known && now - known.saidAt < quietMs) {
      known.unsaid++;
      return;
    }
    this.kinds.set(kind, { saidAt: now, unsaid: 0 });
    const unsaid = known?.unsaid ? ` (and ${known.unsaid} times more since it was last said)` : '';
    this.logger.warn(`${text()}${unsaid}`);
  }
}
