import type { FleetJobOptions } from '../fleet-schedule.js';
import type { JobRun } from '../fleet-status.js';
import type { Timing } from './timing.js';

/** More runs than that never wait. */
const mostQueued = 10;

/** One job: whether it runs, what waits, and what has become of its runs. */
export class Job {
  last: JobRun | null = null;
  runs = 0;
  failed = 0;
  skipped = 0;
  missed = 0;

  /** When this primary began to know of it. */
  knownSince: number | undefined;

  /** Due times up to this one have been run, skipped or reported as missed; undefined before the first. */
  settledUntil: number | undefined;

  private running: Promise<unknown> | undefined;
  private readonly queue: (() => Promise<unknown>)[] = [];

  constructor(
    readonly name: string,
    readonly timing: Timing,
    readonly options: FleetJobOptions,
  ) {}

  get isRunning(): boolean {
    return this.running !== undefined;
  }

  /** Resolves once nothing of it runs or waits. */
  async settled(): Promise<void> {
    while (this.running) await this.running;
  }

  /** Runs it now, or after the runs that wait; false where it is to be skipped. */
  begin(run: () => Promise<unknown>): boolean {
    if (!this.running) {
      this.running = this.runAll(run);
      return true;
    }
    if (this.options.overlap === 'queue' && this.queue.length < mostQueued) {
      this.queue.push(run);
      return true;
    }
    this.skipped++;
    return false;
  }

  private async runAll(first: () => Promise<unknown>): Promise<void> {
    try {
      for (let run: (() => Promise<unknown>) | undefined = first; run; run = this.queue.shift()) await run();
    } finally {
      this.running = undefined;
    }
  }

  note(run: JobRun): void {
    this.runs++;
    if (run.result === 'failed') this.failed++;
    this.last = run;
  }
}
