import {
  type BeforeApplicationShutdown,
  Inject,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
} from '@nestjs/common';
import { SchedulerRegistry } from '@nestjs/schedule';
import { CronJob } from 'cron';
import { FleetClock } from '../fleet-clock.js';
import { type FleetJobOptions, type FleetRun, FleetSchedule, type Pulse } from '../fleet-schedule.js';
import type { JobRun, JobStatus } from '../fleet-status.js';
import type { Term } from '../term.js';
import { within } from '../within.js';
import type { FleetJobSchedule } from './decorators.js';
import { JobBusyError, JobInvalidError, JobNameTakenError, UnknownJobError } from './errors.js';
import { Job } from './job.js';
import { LEASE_STORE, LeaseHolder } from './lease-holder.js';
import type { JobRecord, LeaseStore } from './lease-store.js';
import { CronTiming, IntervalTiming, type Timing } from './timing.js';

export type FleetMethod = (run: FleetRun) => unknown;

/** A timer's longest delay; what is further away is looked at again then. */
const longestDelayMs = 2 ** 31 - 1;

/** How long an ending waits for runs that have been told to end. */
const endingMs = 1_000;

const storeMs = 1_000;
const longestError = 200;

interface Entry {
  readonly job: Job;
  readonly kind: 'interval' | 'cron';
  /** Called when it is due; `missed` more were due since it should have been. */
  readonly onDue: (due: number, missed: number) => void;
  /** For those that are claimed in the store. */
  readonly method: FleetMethod | undefined;
  timer: NodeJS.Timeout | undefined;
}

/** Knows every job of the fleet, and runs them while this primary leads. */
@Injectable()
export class FleetJobs
  extends FleetSchedule
  implements OnApplicationBootstrap, BeforeApplicationShutdown, OnApplicationShutdown
{
  private readonly logger = new Logger('FleetSchedule');
  private readonly entries = new Map<string, Entry>();
  private readonly unlisten: () => void;
  private reign = new AbortController();

  constructor(
    @Inject(LeaseHolder) private readonly leadership: LeaseHolder,
    @Inject(FleetClock) private readonly clock: FleetClock,
    @Inject(LEASE_STORE) private readonly store: LeaseStore,
    @Inject(SchedulerRegistry) private readonly registry: SchedulerRegistry,
  ) {
    super();
    this.unlisten = leadership.onChange((term) => {
      if (term) {
        this.reign = new AbortController();
        void this.makeGood(term);
      } else this.reign.abort();
    });
  }

  pulse(name: string, ms: number, { lead, follow }: Pulse): void {
    const onDue = (due: number): void => {
      const { term } = this.leadership;
      if (!term) return follow(due / ms);
      const startedAt = this.clock.now();
      lead(due / ms, term);
      job.note(this.finished(due, startedAt, term));
    };
    const job = this.add(name, 'interval', new IntervalTiming(ms), {}, onDue, undefined);
  }

  /**
   * @throws JobInvalidError
   * @throws JobNameTakenError
   */
  addJob(name: string, schedule: FleetJobSchedule, options: FleetJobOptions, method: FleetMethod): void {
    const timing = timingOf(name, schedule);
    const onDue = (due: number, missed: number): void => {
      const { term } = this.leadership;
      if (!term) return;
      job.missed += missed;
      job.begin(() => this.run(job, method, due));
    };
    const job = this.add(name, 'cron' in schedule ? 'cron' : 'interval', timing, options, onDue, method);
    if ('cron' in schedule) this.registerCron(name, schedule);
  }

  async onApplicationBootstrap(): Promise<void> {
    // The lease server's first word sets the clock.
    await this.leadership.begin();
    for (const entry of this.entries.values()) this.arm(entry);
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.reign.abort();
    const settled = Promise.all([...this.entries.values()].map(({ job }) => job.settled()));
    await within<unknown>(endingMs, settled, () => {});
  }

  onApplicationShutdown(): void {
    this.unlisten();
    for (const { timer } of this.entries.values()) clearTimeout(timer);
    this.entries.clear();
  }

  get totals() {
    const jobs = [...this.entries.values()].filter(({ method }) => method).map(({ job }) => job);
    const sum = (count: (job: Job) => number): number => jobs.reduce((total, job) => total + count(job), 0);
    return {
      runs: sum(({ runs }) => runs),
      skippedRuns: sum(({ skipped }) => skipped),
      failedRuns: sum(({ failed }) => failed),
      missedRuns: sum(({ missed }) => missed),
    };
  }

  async jobs(): Promise<JobStatus[]> {
    const records = await this.records();
    return [...this.entries.values()].map((entry) => {
      const { job, kind } = entry;
      return {
        name: job.name,
        schedule: job.timing.description,
        running: job.isRunning,
        last: latestRun(job.last, records.get(job.name)),
        next: this.registry.doesExist(kind, job.name) ? job.timing.next(this.clock.now()) : null,
        runs: job.runs,
        failed: job.failed,
        skipped: job.skipped,
        missed: job.missed,
      };
    });
  }

  /**
   * Runs a job now, in this primary, and resolves with how it went.
   *
   * @throws UnknownJobError
   * @throws JobBusyError
   */
  async runNow(name: string): Promise<JobRun | undefined> {
    const { job, method } = this.entries.get(name) ?? {};
    if (!job || !method) {
      throw new UnknownJobError(
        name,
        [...this.entries.values()].flatMap((entry) => (entry.method ? [entry.job.name] : [])),
      );
    }
    return await new Promise<JobRun | undefined>((resolve, reject) => {
      const begun = job.begin(async () => resolve(await this.run(job, method, Math.floor(this.clock.now()))));
      if (!begun) reject(new JobBusyError(name));
    });
  }

  private add(
    name: string,
    kind: Entry['kind'],
    timing: Timing,
    options: FleetJobOptions,
    onDue: Entry['onDue'],
    method: FleetMethod | undefined,
  ): Job {
    if (this.entries.has(name)) throw new JobNameTakenError(name);
    const job = new Job(name, timing, options);
    this.entries.set(name, { job, kind, onDue, method, timer: undefined });
    return job;
  }

  /** What the registry shows; its own timer never starts, since it goes by this host's wall clock. */
  private registerCron(name: string, { cron, timeZone }: Extract<FleetJobSchedule, { cron: string }>): void {
    const shown = CronJob.from({ cronTime: cron, timeZone: timeZone ?? null, start: false, onTick: () => {} });
    this.registry.addCronJob(name, shown);
  }

  private arm(entry: Entry, due = entry.job.timing.next(this.clock.now())): void {
    const { name } = entry.job;
    const delay = Math.max(1, Math.min(longestDelayMs, Math.ceil(due - this.clock.now())));
    const timer = setTimeout(() => this.alarm(entry, due), delay);
    entry.timer = timer;
    if (entry.kind === 'cron') return;
    // The registry clears what it is told to delete, so it must have the timer that runs.
    if (this.registry.doesExist('interval', name)) this.registry.deleteInterval(name);
    this.registry.addInterval(name, timer);
  }

  private alarm(entry: Entry, due: number): void {
    const { job, kind, onDue } = entry;
    // Whoever deletes it from Nest's registry takes it off the schedule.
    if (!this.registry.doesExist(kind, job.name)) return;
    const now = this.clock.now();
    if (now < due) return this.arm(entry, due);
    const { due: latest = due, count } = job.timing.latest(due, now);
    this.arm(entry);
    onDue(latest, count);
  }

  /** Runs a job for a time that is this term's to claim. */
  private async run(job: Job, method: FleetMethod, due: number): Promise<JobRun | undefined> {
    const { term } = this.leadership;
    if (!term || !(await this.claim(job, term, due)) || !this.leadership.term) return undefined;
    const startedAt = this.clock.now();
    const error = await failureOf(() => method({ name: job.name, due, term, signal: this.reign.signal }));
    if (error !== undefined) this.logger.error(`job ${job.name} failed: ${stackOf(error)}`);
    const run = this.finished(due, startedAt, term, error);
    job.note(run);
    this.store.note(job.name, JSON.stringify(run)).catch(() => {
      // `ctl jobs` then shows it on this host alone.
    });
    return run;
  }

  private async claim(job: Job, term: Term, due: number): Promise<boolean> {
    try {
      return await this.store.claim(term, job.name, due);
    } catch (error) {
      job.missed++;
      this.logger.warn(`job ${job.name} did not run: the lease server cannot be asked (${messageOf(error)})`);
      return false;
    }
  }

  /** Reports what was due while nobody led, and runs late what is to be. */
  private async makeGood(term: Term): Promise<void> {
    const records = await this.records();
    const now = this.clock.now();
    for (const { job, method, kind } of this.entries.values()) {
      const done = records.get(job.name)?.due;
      if (!method || done === undefined || !this.registry.doesExist(kind, job.name)) continue;
      const { due, count } = job.timing.latest(done, now);
      if (due === undefined || this.leadership.term?.counter !== term.counter) continue;
      job.missed += count;
      const isLate = job.options.missed === 'run-late';
      this.logger.warn(`job ${job.name} was due ${count} times while nobody led${isLate ? ': running it late' : ''}`);
      if (isLate) job.begin(() => this.run(job, method, due));
    }
  }

  private async records(): Promise<ReadonlyMap<string, JobRecord>> {
    const none = new Map<string, JobRecord>();
    return await within<ReadonlyMap<string, JobRecord>>(storeMs, this.store.jobs(), () => none).catch(() => none);
  }

  private finished(due: number, startedAt: number, { holder }: Term, error?: unknown): JobRun {
    const durationMs = Math.round((this.clock.now() - startedAt) * 1_000) / 1_000;
    const run = { due, startedAt: Math.round(startedAt), durationMs, holder };
    if (error === undefined) return { ...run, result: 'done' };
    return { ...run, result: 'failed', error: messageOf(error).slice(0, longestError) };
  }
}

function timingOf(name: string, schedule: FleetJobSchedule): Timing {
  try {
    return 'cron' in schedule ? new CronTiming(schedule.cron, schedule.timeZone) : new IntervalTiming(schedule.every);
  } catch (error) {
    if (error instanceof RangeError) throw new JobInvalidError(name, error.message);
    throw new JobInvalidError(name, 'a cron expression and a time zone', { cause: error });
  }
}

/** Undefined where it has done its work. */
async function failureOf(work: () => unknown): Promise<unknown> {
  try {
    await work();
    return undefined;
  } catch (error) {
    return error ?? new Error(`it threw ${String(error)}`);
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

function latestRun(own: JobRun | null, record: JobRecord | undefined): JobRun | null {
  try {
    const noted = record?.last === undefined ? null : (JSON.parse(record.last) as JobRun);
    return noted && (!own || noted.startedAt > own.startedAt) ? noted : own;
  } catch {
    // Another version has noted it.
    return own;
  }
}
