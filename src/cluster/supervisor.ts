import cluster, { type Worker } from 'node:cluster';
import { EventEmitter, once } from 'node:events';
import {
  type BeforeApplicationShutdown,
  Inject,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { IpcTopic } from '../ipc.js';
import { clusterTopic, type PrimaryMessage, type WorkerEnvironment, type WorkerMessage } from './cluster.protocol.js';
import { WorkerBootError } from './errors.js';
import { afterDeath, restartPauseMs, type SlotHistory } from './restart-pause.js';
import { type Limits, nextDeadline, type Picture, plan, type Step, type WorkerRecord } from './supervision-plan.js';
import { nextState, type WorkerEvent } from './worker-state.js';

export const SUPERVISOR_OPTIONS = Symbol('SUPERVISOR_OPTIONS');

export interface SupervisorOptions extends Limits {
  readonly workers: number;
  /** Where all workers listen. */
  readonly port: number;
  /** Called with each new worker; returns what to do when it has gone. */
  readonly onFork?: (worker: Worker) => () => void;
}

interface Member {
  readonly record: WorkerRecord;
  readonly worker: Worker;
  readonly topic: IpcTopic<WorkerMessage, PrimaryMessage>;
}

/** A timer's longest delay; what is further away is looked at again then. */
const longestDelayMs = 2 ** 31 - 1;

/**
 * Keeps as many workers as are wanted.
 *
 * Events only change the picture; {@link plan} alone decides what follows from it.
 * Stopping is no special case: from then on, no workers are wanted.
 */
@Injectable()
export class Supervisor implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger(Supervisor.name);
  private readonly members = new Map<number, Member>();
  private readonly histories = new Map<number, SlotHistory>();
  private readonly pauses = new Map<number, number>();
  private readonly changes = new EventEmitter<{ changed: []; failed: [Error] }>();
  private wanted = 0;
  private everReady = false;
  private alarm: NodeJS.Timeout | undefined;

  constructor(@Inject(SUPERVISOR_OPTIONS) private readonly options: SupervisorOptions) {}

  /** @throws WorkerBootError when a worker ends before any has become ready. */
  async onApplicationBootstrap(): Promise<void> {
    cluster.setupPrimary({ serialization: 'advanced' });
    this.want(this.options.workers);
    const failed = once(this.changes, 'failed').then(([error]) => Promise.reject(error as Error));
    await Promise.race([this.until(() => this.ready === this.wanted), failed]);
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.want(0);
    await this.until(() => this.members.size === 0);
    clearTimeout(this.alarm);
  }

  /** How many workers serve. */
  get ready(): number {
    return this.records.filter(({ state }) => state === 'ready').length;
  }

  /** Ends every worker at once. */
  cut(): void {
    for (const { worker } of this.members.values()) worker.process.kill('SIGKILL');
  }

  private get records(): WorkerRecord[] {
    return [...this.members.values()].map(({ record }) => record);
  }

  private get picture(): Picture {
    return { workers: this.records, wanted: this.wanted, pauses: this.pauses };
  }

  private want(workers: number): void {
    this.wanted = workers;
    this.reconcile();
  }

  private reconcile(): void {
    for (const step of plan(this.picture, this.options, performance.now())) this.take(step);
    this.setAlarm();
    this.changes.emit('changed');
  }

  private take(step: Step): void {
    switch (step.action) {
      case 'fork':
        return this.fork(step.slot);
      case 'drain':
        return this.drain(step.id);
      case 'kill':
        return this.kill(step.id);
    }
  }

  private fork(slot: number): void {
    const environment: WorkerEnvironment = { WORKER_SLOT: `${slot}`, PORT: `${this.options.port}` };
    const worker = cluster.fork(environment);
    const topic = new IpcTopic<WorkerMessage, PrimaryMessage>(worker.process, clusterTopic);
    const record: WorkerRecord = { id: worker.id, slot, state: 'booting', since: performance.now() };
    this.members.set(worker.id, { record, worker, topic });

    const forget = this.options.onFork?.(worker);
    topic.listen(() => this.observe(worker.id, 'ready'));
    // A worker that ends while it is written to is an `exit` as well.
    worker.on('error', (error) => this.logger.debug(`worker ${slot}: ${error.message}`));
    worker.once('exit', (code, signal) => {
      forget?.();
      this.bury(worker.id, signal || `exit code ${code}`);
    });
  }

  private drain(id: number): void {
    const member = this.members.get(id);
    if (!member) return;
    this.move(id, 'drain');
    // What a worker is told before it listens may be lost; a signal always arrives.
    if (member.record.state === 'booting') member.worker.process.kill('SIGTERM');
    else member.topic.send({ type: 'stop' });
  }

  private kill(id: number): void {
    const member = this.members.get(id);
    if (!member) return;
    this.logger.warn(`worker ${member.record.slot} did not make its deadline (${member.record.state}): killing it`);
    this.move(id, 'kill');
    member.worker.process.kill('SIGKILL');
  }

  private observe(id: number, event: WorkerEvent): void {
    this.move(id, event);
    if (event === 'ready') this.everReady = true;
    this.reconcile();
  }

  private move(id: number, event: WorkerEvent): void {
    const member = this.members.get(id);
    if (!member) return;
    const state = nextState(member.record.state, event);
    if (state === member.record.state) return;
    this.members.set(id, { ...member, record: { ...member.record, state, since: performance.now() } });
  }

  private bury(id: number, reason: string): void {
    const member = this.members.get(id);
    if (!member) return;
    const { slot, state, since } = member.record;
    this.members.delete(id);
    if (state === 'booting' || state === 'ready') this.mourn(slot, state === 'ready' ? since : undefined, reason);
    this.reconcile();
  }

  private mourn(slot: number, readySince: number | undefined, reason: string): void {
    const now = performance.now();
    const history = afterDeath(this.histories.get(slot) ?? { deaths: 0 }, now - (readySince ?? now));
    const pauseMs = Math.round(restartPauseMs(history, Math.random()));
    this.histories.set(slot, history);
    this.pauses.set(slot, now + pauseMs);
    if (!this.everReady) {
      this.wanted = 0;
      this.changes.emit('failed', new WorkerBootError(slot, reason));
      return;
    }
    this.logger.warn(
      `worker ${slot} exited unexpectedly (${reason}): forking it again ${pauseMs ? `in ${pauseMs} ms` : 'at once'}`,
    );
  }

  private setAlarm(): void {
    clearTimeout(this.alarm);
    const delayMs = nextDeadline(this.picture, this.options) - performance.now();
    if (delayMs === Infinity) return;
    this.alarm = setTimeout(() => this.reconcile(), Math.min(Math.max(1, delayMs), longestDelayMs));
  }

  private async until(holds: () => boolean): Promise<void> {
    while (!holds()) await once(this.changes, 'changed');
  }
}
