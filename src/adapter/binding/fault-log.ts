import { Logger } from '@nestjs/common';

/** What went wrong in a gateway, and how often. */
export interface Fault {
  readonly gateway: string;
  /** The name of the event, or of the hook: `handleConnection`, `handleDisconnect`, `afterInit`. */
  readonly event: string;
  readonly count: number;
}

type Counted = { -readonly [Field in keyof Fault]: Fault[Field] };

/** An attacker may choose what fails, but not how much is kept of it. */
const mostKinds = 1_000;
const loggedInFull = 10;

/**
 * Counts what gateways did not foresee, and logs it: the first ten of a kind each, then whenever their number has
 * doubled, so that no client can fill the log.
 */
export class FaultLog {
  private readonly logger = new Logger('Gateway');
  private readonly kinds = new Map<string, Counted>();

  get faults(): readonly Fault[] {
    return [...this.kinds.values()].map((fault) => ({ ...fault }));
  }

  report(gateway: string, event: string, exception: unknown): void {
    const kind = this.kindOf(gateway, event);
    kind.count++;
    if (kind.count > loggedInFull && (kind.count & (kind.count - 1)) !== 0) return;
    const times = kind.count === 1 ? '' : ` (${kind.count} times since the start)`;
    this.logger.error(`${gateway} failed in "${event}"${times}: ${textOf(exception)}`);
  }

  private kindOf(gateway: string, event: string): Counted {
    const key = `${gateway} ${event}`;
    const known = this.kinds.get(key);
    if (known) return known;
    if (this.kinds.size >= mostKinds && event !== 'others') return this.kindOf(gateway, 'others');
    const kind = { gateway, event, count: 0 };
    this.kinds.set(key, kind);
    return kind;
  }
}

/** Whatever was thrown: its own `stack` or `toString` may throw as well. */
function textOf(exception: unknown): string {
  try {
    return exception instanceof Error ? (exception.stack ?? exception.message) : String(exception);
  } catch {
    return 'something that cannot be printed';
  }
}
