import { EventEmitter, once } from 'node:events';
import {
  type BeforeApplicationShutdown,
  Inject,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { protocolVersion, type WorkerMessage } from './cluster.protocol.js';
import { RefusedCommandError, ReplacementFailedError, RestartBudgetExhaustedError, WorkerBootError } from './errors.js';
import { type ExitKind, exitKindOf, exitKinds, isFailure } from './exit-kind.js';
import { GenerationGoals } from './generation-goals.js';
import { Recycler } from './recycler.js';
import { RestartLedger } from './restart-ledger.js';
import type { WorkerStatus } from './status.js';
import { nextDeadline, type Picture, plan, type Step } from './supervision-plan.js';
import { SUPERVISOR_OPTIONS, type SupervisorOptions } from './supervisor.options.js';
import { WorkerHandle } from './worker-handle.js';
import { Workforce } from './workforce.js';

/** A timer's longest delay; what is further away is looked at again then. */
const longestDelayMs = 2 ** 31 - 1;

/**
 * Keeps as many workers as are wanted, each of the wanted generation.
 *
 * Events only change the picture; {@link plan} alone decides what follows from it.
 * Stopping is no special case: from then on, no workers are wanted.
 */
@Injectable()
export class Supervisor implements OnApplicationBootstrap, BeforeApplicationShutdown {
  /** How workers ended since the start. */
  readonly exits = Object.fromEntries(exitKinds.map((kind) => [kind, 0])) as Record<ExitKind, number>;

  private readonly logger = new Logger(Supervisor.name);
  private readonly workforce = new Workforce();
  private readonly changes = new EventEmitter<{ changed: [] }>().setMaxListeners(0);
  private readonly goals = new GenerationGoals();
  private readonly ledger: RestartLedger;
  private wantedWorkers = 0;
  private everReady = false;
  private saidDegraded = false;
  private logLevel: string | undefined;
  private drainMs: number;
  private readonly recycler: Recycler;
  private replacementFailure: ReplacementFailedError | undefined;
  private failure: Error | undefined;
  private alarm: NodeJS.Timeout | undefined;
  /** Called when the cluster can no longer be kept. */
  onGivingUp: (error: Error) => void = () => {};

  constructor(@Inject(SUPERVISOR_OPTIONS) private readonly options: SupervisorOptions) {
    this.drainMs = options.drainMs;
    this.ledger = new RestartLedger(options);
    this.recycler = new Recycler(this.workforce, options);
  }

  /** @throws WorkerBootError when a worker ends before any has become ready. */
  async onApplicationBootstrap(): Promise<void> {
    this.want(this.options.workers);
    await this.until(() => this.failure !== undefined || this.ready === this.wanted);
    if (this.failure) throw this.failure;
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.drainMs = this.options.shutdownDrainMs;
    this.want(0);
    await this.until(() => this.workforce.size === 0);
    clearTimeout(this.alarm);
  }

  get wanted(): number {
    return this.wantedWorkers;
  }

  /** How many workers serve. */
  get ready(): number {
    return this.workforce.ready;
  }

  /** Whether workers are missing and the budget for new ones is spent. */
  get degraded(): boolean {
    return this.ready < this.wanted && performance.now() < this.ledger.budgetSpentUntil;
  }

  get workers(): WorkerStatus[] {
    return this.workforce.describe(performance.now());
  }

  /**
   * Changes how many workers are kept, and resolves once that many serve and the others have gone.
   *
   * @throws RefusedCommandError while the cluster ends.
   */
  async scale(workers: number): Promise<void> {
    if (this.wanted === 0) throw new RefusedCommandError('The cluster is ending: no worker is started any more.');
    this.want(workers);
    const done = (): boolean => this.ready === workers && this.workforce.size === workers;
    await this.until(() => done() || this.wanted !== workers || this.degraded);
  }

  /**
   * Replaces every worker: the new generation becomes ready first, then the old one drains.
   *
   * @throws ReplacementFailedError when a new worker does not become ready; nothing has changed then.
   * @throws RefusedCommandError while another replacement is under way.
   */
  async reload(): Promise<void> {
    await this.replace(Array.from({ length: this.wanted }, (_, index) => index + 1));
  }

  /** @throws RefusedCommandError while another replacement is under way, or the cluster ends. */
  assertReplaceable(): void {
    if (this.wanted === 0) throw new RefusedCommandError('The cluster is ending: no worker is replaced any more.');
    if (this.isReplacing) {
      throw new RefusedCommandError('A replacement of workers is under way: wait until it is over.');
    }
  }

  /** As {@link reload}, for one slot. */
  async restart(slot: number): Promise<void> {
    await this.replace([this.occupied(slot).record.slot]);
  }

  /** Lets the clients of a slot's worker go, and resolves once it has gone. Its slot gets a new worker at once. */
  async drain(slot: number): Promise<void> {
    const handle = this.occupied(slot);
    const { record } = handle;
    handle.drain(this.drainMs, this.options.drainGraceMs);
    this.reconcile();
    await this.until(() => this.workforce.find(record.id) === undefined);
  }

  /** Also for workers that come later. */
  setLogLevel(level: string): void {
    this.logLevel = level;
    this.workforce.tell({ type: 'logLevel', level });
  }

  /** Ends every worker at once, for good. */
  cut(): void {
    this.wantedWorkers = 0;
    for (const handle of this.workforce.all) handle.signal('SIGKILL');
  }

  private get picture(): Picture {
    return {
      workers: this.workforce.records,
      wanted: this.wanted,
      goals: this.goals.bySlot,
      pauses: this.ledger.pauses,
      budgetSpentUntil: this.ledger.budgetSpentUntil,
    };
  }

  private want(workers: number): void {
    this.wantedWorkers = workers;
    this.reconcile();
  }

  private reconcile(): void {
    this.recycle();
    for (const step of plan(this.picture, this.options, performance.now())) this.take(step);
    this.sayDegraded();
    this.giveUpBelowQuorum();
    this.setAlarm();
    this.changes.emit('changed');
  }

  private take(step: Step): void {
    switch (step.action) {
      case 'fork':
        return this.fork(step.slot);
      case 'drain':
        return this.workforce.find(step.id)?.drain(this.drainMs, this.options.drainGraceMs);
      case 'terminate':
        return this.terminate(step.id);
      case 'kill':
        return this.kill(step.id);
    }
  }

  private fork(slot: number): void {
    const { environment, bootTimeoutMs, onFork } = this.options;
    const now = performance.now();
    const generation = this.goals.latest;
    const handle = WorkerHandle.fork(
      { ...environment, WORKER_SLOT: `${slot}` },
      (id) => ({ id, slot, generation, state: 'booting', since: now, deadline: now + bootTimeoutMs, heardAt: now }),
      {
        onMessage: (message) => this.hear(handle, message),
        onExit: (code, signal) => {
          forget?.();
          this.bury(handle, code, signal);
        },
      },
    );
    const forget = onFork?.(handle);
    this.workforce.add(handle);
  }

  private terminate(id: number): void {
    const handle = this.workforce.find(id);
    if (!handle) return;
    const { workerTimeoutMs, terminateGraceMs } = this.options;
    this.logger.warn(`worker ${handle.record.slot} has been silent for ${workerTimeoutMs} ms: terminating it`);
    handle.terminate(terminateGraceMs);
  }

  private kill(id: number): void {
    const handle = this.workforce.find(id);
    if (!handle) return;
    const { slot, state } = handle.record;
    this.logger.warn(`worker ${slot} did not make its deadline (${state}): killing it`);
    if (state === 'booting') handle.refusal = `not ready within ${this.options.bootTimeoutMs} ms`;
    handle.kill();
  }

  private hear(handle: WorkerHandle, message: WorkerMessage): void {
    const now = performance.now();
    handle.record = { ...handle.record, heardAt: now };
    if (message.type === 'report') {
      handle.report = message.report;
      // After a block of this process's own loop, all reports are heard before any worker is judged.
      if (this.recycler.isOn) setImmediate(() => this.reconcile());
      return;
    }
    if (message.protocolVersion !== protocolVersion) return this.refuse(handle, message.protocolVersion);
    handle.readySince = now;
    this.everReady = true;
    this.ledger.settle(handle.record.slot);
    if (this.saidDegraded) handle.send({ type: 'degraded', degraded: true });
    if (this.logLevel !== undefined) handle.send({ type: 'logLevel', level: this.logLevel });
    handle.advance('ready', Infinity);
    this.reconcile();
  }

  private refuse(handle: WorkerHandle, version: unknown): void {
    const reason = `it speaks version ${String(version)} of the IPC protocol, this primary version ${protocolVersion}`;
    this.logger.error(`worker ${handle.record.slot} is refused (${reason}): restart the whole program to run its code`);
    handle.refuse(reason);
  }

  private bury(handle: WorkerHandle, code: number | null, signal: NodeJS.Signals | null): void {
    const { cause, readySince, record } = handle;
    const kind = exitKindOf({ state: record.state, wasReady: readySince !== undefined, cause, code, signal });
    this.workforce.remove(handle);
    this.exits[kind]++;
    const fact = handle.refusal ?? signal ?? `exit code ${code}`;
    if (isFailure(kind) || cause === 'none') this.mourn(handle, kind, fact);
    this.reconcile();
  }

  private mourn(handle: WorkerHandle, kind: ExitKind, fact: string): void {
    const { slot } = handle.record;
    if (!this.everReady && this.wanted > 0) {
      this.failure ??= new WorkerBootError(slot, fact);
      this.wantedWorkers = 0;
      return;
    }
    if (handle.readySince === undefined && this.workforce.hasOlder(handle)) return this.abandonReplacement(slot, fact);

    const now = performance.now();
    const pauseMs = this.ledger.note(slot, now - (handle.readySince ?? now), now);
    if (this.workforce.isServed(slot)) this.ledger.settle(slot);
    if (this.wanted === 0) return;
    const pause = pauseMs > 0 ? `forking it again in ${pauseMs} ms` : 'forking it again at once';
    const next = this.workforce.isServed(slot) ? 'its slot has a worker already' : pause;
    this.logger.warn(`worker ${slot} exited unexpectedly (${kind}, ${fact}): ${next}`);
  }

  private async replace(slots: readonly number[]): Promise<void> {
    this.assertReplaceable();
    this.replacementFailure = undefined;
    this.goals.raise(slots);
    this.reconcile();
    await this.until(() => !this.isReplacing || this.replacementFailure !== undefined);
    if (this.replacementFailure) throw this.replacementFailure as ReplacementFailedError;
  }

  /** Whether a worker that is not good enough any more is still there. */
  private get isReplacing(): boolean {
    return this.workforce.records.some((record) => this.goals.isOutdated(record));
  }

  /** What was to be replaced is good enough again, and the new workers that are ready already are too many. */
  private abandonReplacement(slot: number, fact: string): void {
    // Its siblings of the new generation may fail as well.
    if (!this.isReplacing) return;
    this.replacementFailure = new ReplacementFailedError(slot, fact);
    this.logger.error(this.replacementFailure.message);
    for (const handle of this.workforce.all) {
      if (handle.record.state !== 'ready' || !this.goals.isOutdated(handle.record)) continue;
      this.goals.accept(handle.record);
      handle.cause = 'none';
    }
    this.recycler.rest();
  }

  private recycle(): void {
    const handle = this.isReplacing ? undefined : this.recycler.next(this.wanted);
    if (!handle) return;
    const { slot } = handle.record;
    const ageMs = performance.now() - (handle.readySince ?? performance.now());
    const mebibytes = Math.round((handle.report?.rssBytes ?? 0) / 2 ** 20);
    this.logger.log(`worker ${slot} is recycled (${Math.round(ageMs / 1_000)} s old, ${mebibytes} MiB)`);
    handle.cause = 'recycle';
    this.goals.raise([slot]);
  }

  private sayDegraded(): void {
    const { degraded } = this;
    if (degraded === this.saidDegraded) return;
    this.saidDegraded = degraded;
    if (degraded) {
      this.logger.error(`the restart budget is spent: ${this.ready} of ${this.wanted} workers serve on`);
    } else {
      this.logger.log('the cluster is no longer degraded');
    }
    this.workforce.tell({ type: 'degraded', degraded });
  }

  private giveUpBelowQuorum(): void {
    const { restarts, windowMs, quorum } = this.options;
    if (this.failure || !this.degraded || this.ready >= Math.min(quorum, this.wanted)) return;
    this.failure = new RestartBudgetExhaustedError(restarts, windowMs, this.ready, quorum);
    this.onGivingUp(this.failure);
  }

  private setAlarm(): void {
    clearTimeout(this.alarm);
    const delayMs = nextDeadline(this.picture, this.options) - performance.now();
    if (delayMs === Infinity) return;
    // After a block of this process's own loop, what the workers have said meanwhile is heard before they are judged.
    const reconcileAfterMessages = (): void => void setImmediate(() => this.reconcile());
    this.alarm = setTimeout(reconcileAfterMessages, Math.min(Math.max(1, delayMs), longestDelayMs));
  }

  private occupied(slot: number): WorkerHandle {
    const handle = this.workforce.readyIn(slot);
    if (handle) return handle;
    throw new RefusedCommandError(`Slot ${slot} has no ready worker: choose one that \`status\` calls ready.`);
  }

  private async until(holds: () => boolean): Promise<void> {
    while (!holds()) await once(this.changes, 'changed');
  }
}
