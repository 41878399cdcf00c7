import { setImmediate as turn } from 'node:timers/promises';
import { inspect } from 'node:util';
import { Inject, Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import { SchedulerRegistry } from '@nestjs/schedule';
import { CronJob } from 'cron';
import { FleetClock } from '../fleet-clock.js';
import { type FleetJobOptions, type FleetRun, FleetSchedule, type Pulse } from '../fleet-schedule.js';
import type { JobRun, JobStatus } from '../fleet-status.js';
import { compareTerms, type Term } from '../term.js';
import { within } from '../within.js';
import type { FleetJobSchedule } from './decorators.js';
import { DueTimer } from './due-timer.js';
import { JobBusyError, JobInvalidError, JobNameTakenError, LeaseUnreachableError, UnknownJobError } from './errors.js';
import { Job } from './job.js';
import { LEASE_STORE, LeaseHolder } from './lease-holder.js';
import type { JobRecord, LeaseStore } from './lease-store.js';
import { CronTiming, IntervalTiming, mostCounted, type Timing } from './timing.js';

export type FleetMethod = (run: FleetRun) => unknown;

/** How long an ending waits for runs that have been told to end. */
const endingMs = 1_000;

const storeMs = 1_000;
const longestError = 200;

interface Entry {
  readonly job: Job;
  readonly kind: 'interval' | 'cron';
  readonly timer: DueTimer;
  /** For those that are claimed in the store. */
  readonly method: FleetMethod | undefined;
}

/** Knows every job of the fleet, and runs them while this primary leads. */
@Injectable()
export class FleetJobs extends FleetSchedule implements OnApplicationShutdown {
  private readonly logger = new Logger('FleetSchedule');
  private readonly entries = new Map<string, Entry>();
  private readonly closing: (() => void)[];
  private reign = new AbortController();
  /** Whether there may be due times that nobody has run and that are not reported yet. */
  private isOwing = false;
  private makingGood: Promise<void> | undefined;
  private isClosed = false;

  constructor(
    @Inject(LeaseHolder) private readonly leadership: LeaseHolder,
    @Inject(FleetClock) private readonly clock: FleetClock,
    @Inject(LEASE_STORE) private readonly store: LeaseStore,
    @Inject(SchedulerRegistry) private readonly registry: SchedulerRegistry,
  ) {
    super();
    this.closing = [leadership.onChange((term) => this.reignChanged(term)), leadership.onAnswer(() => this.makeGood())];
  }

  pulse(name: string, ms: number, { lead, follow }: Pulse): void {
    const onDue = (due: number): void => {
      const { term } = this.leadership;
      if (!term) return follow(due / ms);
      const startedAt = performance.now();
      lead(due / ms, term);
      job.note(this.finished(due, startedAt, term));
    };
    const job = this.add(name, 'interval', new IntervalTiming(ms), {}, () => this.clock.now(), onDue, undefined);
  }

  /**
   * @throws JobInvalidError
   * @throws JobNameTakenError
   */
  addJob(name: string, schedule: FleetJobSchedule, options: FleetJobOptions, method: FleetMethod): void {
    const timing = timingOf(name, schedule);
    const kind = 'cron' in schedule ? 'cron' : 'interval';
    const onDue = (due: number, missed: number): void => {
      if (!this.leadership.term) return;
      job.missed += missed;
      job.settledUntil = due;
      job.begin(() => this.runDue(job, method, due));
    };
    const job = this.add(name, kind, timing, options, () => this.clock.measured(), onDue, method);
    if ('cron' in schedule) this.registerCron(name, schedule);
  }

  /** Begins to run what is due. Call it once the application is ready for that. */
  async begin(): Promise<void> {
    const begun = this.leadership.begin();
    void this.clock.known.then(() => {
      if (this.isClosed) return;
      for (const { job, timer } of this.entries.values()) {
        job.knownSince = this.clock.measured();
        timer.arm();
      }
    });
    // The lease server's first word sets the clock.
    await begun;
  }

  /** Gives the lease back, tells what runs to end, and waits for that, for a second. */
  async leave(): Promise<void> {
    await this.leadership.leave();
    this.reign.abort();
    const settled = Promise.all([...this.entries.values()].map(({ job }) => job.settled()));
    await within<unknown>(endingMs, settled, () => {});
  }

  onApplicationShutdown(): void {
    this.isClosed = true;
    for (const close of this.closing) close();
    for (const { timer } of this.entries.values()) timer.stop();
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
        next:
          this.clock.isKnown && this.registry.doesExist(kind, job.name) ? job.timing.next(this.clock.measured()) : null,
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
   * @throws LeaseUnreachableError
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
      const begun = job.begin(() => this.runByHand(job, method).then(resolve, reject));
      if (!begun) reject(new JobBusyError(name));
    });
  }

  private add(
    name: string,
    kind: Entry['kind'],
    timing: Timing,
    options: FleetJobOptions,
    now: () => number,
    onDue: (due: number, missed: number) => void,
    method: FleetMethod | undefined,
  ): Job {
    if (this.entries.has(name)) throw new JobNameTakenError(name);
    const job = new Job(name, timing, options);
    // Whoever deletes it from Nest's registry takes it off the schedule.
    const isWanted = (): boolean => this.registry.doesExist(kind, name);
    const onArmed = (timer: NodeJS.Timeout): void => {
      if (kind === 'interval') this.registerInterval(name, timer);
    };
    this.entries.set(name, { job, kind, timer: new DueTimer(timing, now, onDue, onArmed, isWanted), method });
    return job;
  }

  /** The registry clears what it is told to delete, so it must have the timer that runs. */
  private registerInterval(name: string, timer: NodeJS.Timeout): void {
    if (this.registry.doesExist('interval', name)) this.registry.deleteInterval(name);
    this.registry.addInterval(name, timer);
  }

  /** What the registry shows; its own timer never starts, since it goes by this host's wall clock. */
  private registerCron(name: string, { cron, timeZone }: Extract<FleetJobSchedule, { cron: string }>): void {
    const shown = CronJob.from({ cronTime: cron, timeZone: timeZone ?? null, start: false, onTick: () => {} });
    this.registry.addCronJob(name, shown);
  }

  private reignChanged(term: Term | undefined): void {
    this.reign.abort();
    if (!term) return;
    this.reign = new AbortController();
    this.isOwing = true;
    this.makeGood();
  }

  /** Runs a job for a due time that is this term's to claim. */
  private async runDue(job: Job, method: FleetMethod, due: number): Promise<void> {
    const { term } = this.leadership;
    if (!term) return;
    try {
      if (await this.store.claim(term, job.name, due)) await this.run(job, method, due, term);
    } catch (error) {
      this.logger.warn(`job ${job.name} waits: the lease server cannot be asked (${messageOf(error)})`);
      // Perhaps it was claimed all the same: then it counts as run, since it must not run twice.
      job.settledUntil = due - 1;
      this.isOwing = true;
    }
  }

  private async runByHand(job: Job, method: FleetMethod): Promise<JobRun | undefined> {
    const { term } = this.leadership;
    const isHeld =
      term &&
      (await this.store.holds(term).catch((cause: unknown) => Promise.reject(new LeaseUnreachableError({ cause }))));
    return isHeld ? await this.run(job, method, Math.floor(this.clock.measured()), term) : undefined;
  }

  private async run(job: Job, method: FleetMethod, due: number, term: Term): Promise<JobRun | undefined> {
    const { term: present } = this.leadership;
    if (!present || compareTerms(present, term) !== 0) return undefined;
    const startedAt = performance.now();
    const failure = await failureOf(() => method({ name: job.name, due, term, signal: this.reign.signal }));
    if (failure) this.logger.error(`job ${job.name} failed: ${stackOf(failure.thrown)}`);
    const run = this.finished(due, startedAt, term, failure);
    job.note(run);
    this.store.note(job.name, JSON.stringify(run)).catch(() => {
      // `ctl jobs` then shows it on this host alone.
    });
    return run;
  }

  /** Reports what was due while nobody could run it, and runs late what is to be; again and again until it succeeds. */
  private makeGood(): void {
    if (!this.isOwing || this.makingGood || !this.leadership.term) return;
    this.makingGood = this.makeAllGood()
      .catch((error: unknown) => this.logger.warn(`cannot tell which jobs were missed (${messageOf(error)})`))
      .finally(() => (this.makingGood = undefined));
  }

  private async makeAllGood(): Promise<void> {
    const records = await within(storeMs, this.store.jobs(), () => Promise.reject(new Error('no answer')));
    this.isOwing = false;
    const until = this.clock.measured();
    for (const { job, method, kind } of this.entries.values()) {
      // Between two jobs, so that many of them do not stall the process.
      await turn();
      if (!this.leadership.term) return;
      if (method && this.registry.doesExist(kind, job.name))
        this.makeJobGood(job, method, records.get(job.name), until);
    }
  }

  private makeJobGood(job: Job, method: FleetMethod, record: JobRecord | undefined, until: number): void {
    const recorded = record?.due ?? job.knownSince ?? until;
    if (record?.due === undefined) this.store.know(job.name, Math.floor(recorded)).catch(() => (this.isOwing = true));
    const since = Math.max(recorded, job.settledUntil ?? -Infinity);
    const { due, count } = job.timing.latest(since, until);
    if (due === undefined) return;
    job.missed += count;
    job.settledUntil = due;
    const times = `${count}${count === mostCounted ? ' or more' : ''} time${count === 1 ? '' : 's'}`;
    const isLate = job.options.missed === 'run-late';
    this.logger.warn(`job ${job.name} was due ${times} while it could not run${isLate ? ': running it late' : ''}`);
    if (isLate) job.begin(() => this.runDue(job, method, due));
  }

  private async records(): Promise<ReadonlyMap<string, JobRecord>> {
    const none = new Map<string, JobRecord>();
    return await within<ReadonlyMap<string, JobRecord>>(storeMs, this.store.jobs(), () => none).catch(() => none);
  }

  private finished(due: number, startedAt: number, { holder }: Term, failure?: Failure): JobRun {
    const durationMs = Math.round((performance.now() - startedAt) * 1_000) / 1_000;
    const run = { due, startedAt: Math.round(this.clock.measured() - durationMs), durationMs, holder };
    if (!failure) return { ...run, result: 'done' };
    return { ...run, result: 'failed', error: messageOf(failure.thrown).slice(0, longestError) };
  }
}

interface Failure {
  readonly thrown: unknown;
}

function timingOf(name: string, schedule: FleetJobSchedule): Timing {
  try {
    return 'cron' in schedule ? new CronTiming(schedule.cron, schedule.timeZone) : new IntervalTiming(schedule.every);
  } catch (error) {
    if (error instanceof RangeError) throw new JobInvalidError(name, error.message);
    throw new JobInvalidError(name, 'a cron expression with a time to come, and a time zone', { cause: error });
  }
}

/** Undefined where it has done its work. */
async function failureOf(work: () => unknown): Promise<Failure | undefined> {
  try {
    await work();
    return undefined;
  } catch (thrown) {
    return { thrown };
  }
}

/** Whatever was thrown, also what no string can be made of. */
function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : inspect(thrown);
}

function stackOf(thrown: unknown): string {
  return inspect(thrown);
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
