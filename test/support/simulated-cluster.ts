import { GenerationGoals } from '../../src/cluster/generation-goals.js';
import { nextToRecycle } from '../../src/cluster/recycling.js';
import { afterFailure, budgetSpentUntil, noFailures, restartPauseMs } from '../../src/cluster/restart-budget.js';
import { type Limits, nextDeadline, type Picture, plan, type Step } from '../../src/cluster/supervision-plan.js';
import type { WorkerRecord } from '../../src/cluster/supervision-plan.js';
import { nextState, type WorkerEvent } from '../../src/cluster/worker-state.js';

/** What may happen to a cluster; `pick` chooses one of those whom it may happen to. */
export type Happening =
  | { readonly type: 'ready' | 'crash' | 'boot failure' | 'silence' | 'growth' | 'restart'; readonly pick: number }
  | { readonly type: 'leave'; readonly pick: number; readonly failed: boolean }
  | { readonly type: 'scale'; readonly workers: number }
  | { readonly type: 'reload' }
  | { readonly type: 'advance'; readonly ms: number };

export interface SimulatedWorker {
  record: WorkerRecord;
  readySince: number | undefined;
  /** Whether nothing is heard of it any more. */
  silent: boolean;
  rssBytes: number;
  recycled: boolean;
}

/** Sees each plan before it is carried out; `unchanged` if it was made anew although nothing had happened. */
export type Witness = (steps: Step[], picture: Picture, now: number, unchanged: boolean) => void;

export interface SimulatedClusterOptions {
  readonly workers: number;
  readonly reloadBatch: number;
  readonly witness?: Witness;
}

export const workerTimeoutMs = 300;
const patience = { boot: 100, drain: 200, terminate: 50 };
const restarts = { restarts: 3, windowMs: 1_000, healthyMs: 300, firstPauseMs: 50, longestPauseMs: 400 };
const recycling = { maxAgeMs: 2_000, maxRssBytes: 100 };

/** A cluster without processes and without a clock: it carries out what `plan` says, as the supervisor does. */
export class SimulatedCluster {
  readonly workers = new Map<number, SimulatedWorker>();
  readonly limits: Limits;
  readonly goals = new GenerationGoals();
  now = 0;
  wanted: number;
  private readonly pauses = new Map<number, number>();
  private readonly witness: Witness;
  private history = noFailures;
  private lastId = 0;
  private recycles = true;

  constructor({ workers, reloadBatch, witness = () => {} }: SimulatedClusterOptions) {
    this.wanted = workers;
    this.limits = { workerTimeoutMs, reloadBatch };
    this.witness = witness;
    this.reconcile();
  }

  get picture(): Picture {
    return {
      workers: this.all.map(({ record }) => record),
      wanted: this.wanted,
      goals: this.goals.bySlot,
      pauses: this.pauses,
      budgetSpentUntil: budgetSpentUntil(this.history, restarts),
    };
  }

  get all(): SimulatedWorker[] {
    return [...this.workers.values()];
  }

  /** When something is done although nothing happens. */
  get alarm(): number {
    return nextDeadline(this.picture, this.limits);
  }

  happen(happening: Happening): void {
    switch (happening.type) {
      case 'ready':
        return this.with(happening.pick, ['booting'], (worker) => this.becomeReady(worker));
      case 'boot failure':
        return this.with(happening.pick, ['booting'], (worker) => this.exit(worker, true));
      case 'crash':
        return this.with(happening.pick, ['ready'], (worker) => this.exit(worker, true));
      case 'leave':
        return this.with(happening.pick, ['draining', 'killed'], (worker) => this.exit(worker, happening.failed));
      case 'silence':
        return this.with(happening.pick, ['ready'], (worker) => void (worker.silent = true));
      case 'growth':
        return this.with(happening.pick, ['ready'], (worker) => void (worker.rssBytes = 1_000));
      case 'restart':
        return this.with(happening.pick, ['ready'], ({ record }) => this.replace([record.slot]));
      case 'scale':
        this.wanted = happening.workers;
        return this.reconcile();
      case 'reload':
        return this.replace(Array.from({ length: this.wanted }, (_, index) => index + 1));
      case 'advance':
        return this.advance(happening.ms);
    }
  }

  /** Nothing fails any more, and everybody does as told. */
  settle(): void {
    this.recycles = false;
    for (let round = 0; round < 100 && !this.isCalm; round++) {
      for (const worker of this.all) {
        if (worker.record.state === 'booting') this.becomeReady(worker);
        else if (worker.record.state !== 'ready') this.exit(worker, false);
      }
      this.advance(patience.boot / 2);
    }
    this.advance(2_000);
  }

  private get isReplacing(): boolean {
    return this.all.some(({ record }) => this.goals.isOutdated(record));
  }

  private get isCalm(): boolean {
    const serving = this.all.filter(({ record, silent }) => record.state === 'ready' && !silent);
    return serving.length === this.workers.size && this.workers.size === this.wanted && !this.isReplacing;
  }

  private advance(ms: number): void {
    const end = this.now + ms;
    while (this.now < end) {
      this.now = Math.min(end, this.alarm);
      for (const worker of this.all) {
        if (!worker.silent) worker.record = { ...worker.record, heardAt: this.now };
      }
      this.reconcile();
    }
  }

  private with(pick: number, states: readonly string[], act: (worker: SimulatedWorker) => void): void {
    const candidates = this.all.filter(({ record }) => states.includes(record.state));
    if (candidates.length === 0) return;
    act(candidates[pick % candidates.length]!);
    this.reconcile();
  }

  private reconcile(): void {
    this.recycle();
    for (let round = 0; round < 5; round++) {
      const { picture } = this;
      const steps = plan(picture, this.limits, this.now);
      if (steps.length === 0) return;
      this.witness(steps, picture, this.now, round > 0);
      for (const step of steps) this.take(step);
    }
    throw new Error(`The plan never rests: ${JSON.stringify(this.picture)}`);
  }

  private take(step: Step): void {
    if (step.action === 'fork') return this.fork(step.slot);
    const worker = this.workers.get(step.id)!;
    if (step.action === 'kill') return this.move(worker, 'kill', Infinity);
    this.move(worker, 'drain', patience[step.action]);
  }

  private fork(slot: number): void {
    const { now } = this;
    const id = ++this.lastId;
    const generation = this.goals.latest;
    this.workers.set(id, {
      record: { id, slot, generation, state: 'booting', since: now, deadline: now + patience.boot, heardAt: now },
      readySince: undefined,
      silent: false,
      rssBytes: 0,
      recycled: false,
    });
  }

  private becomeReady(worker: SimulatedWorker): void {
    worker.readySince = this.now;
    worker.record = { ...worker.record, heardAt: this.now };
    this.pauses.delete(worker.record.slot);
    this.move(worker, 'ready', Infinity);
    this.reconcile();
  }

  private move(worker: SimulatedWorker, event: WorkerEvent, patienceMs: number): void {
    const state = nextState(worker.record.state, event);
    worker.record = { ...worker.record, state, since: this.now, deadline: this.now + patienceMs };
  }

  private exit({ record, readySince }: SimulatedWorker, failed: boolean): void {
    const { id, slot, generation } = record;
    this.workers.delete(id);
    const replaced = this.all.some(
      ({ record: other }) => other.slot === slot && other.generation < generation && other.state === 'ready',
    );
    if (failed && readySince === undefined && replaced) this.abandonReplacement();
    else if (failed) this.noteFailure(slot, this.now - (readySince ?? this.now));
    this.reconcile();
  }

  private noteFailure(slot: number, readyForMs: number): void {
    this.history = afterFailure(this.history, slot, readyForMs, restarts, this.now);
    this.pauses.set(slot, this.now + restartPauseMs(this.history.inARow.get(slot) ?? 0, restarts, (this.now % 7) / 7));
  }

  private abandonReplacement(): void {
    for (const worker of this.all) {
      if (worker.record.state !== 'ready' || !this.goals.isOutdated(worker.record)) continue;
      this.goals.accept(worker.record);
      worker.recycled = false;
    }
  }

  private replace(slots: readonly number[]): void {
    if (this.isReplacing) return;
    this.goals.raise(slots);
    this.reconcile();
  }

  private recycle(): void {
    if (!this.recycles || this.isReplacing) return;
    const candidates = this.all.map(({ record, readySince = this.now, rssBytes }) => ({
      ...record,
      readySince,
      rssBytes,
      jitter: (record.id % 5) / 5,
    }));
    const next = nextToRecycle(candidates, this.wanted, recycling, this.now);
    if (!next) return;
    this.workers.get(next.id)!.recycled = true;
    this.goals.raise([next.slot]);
  }
}
