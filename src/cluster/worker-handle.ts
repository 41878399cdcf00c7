import cluster, { type Worker } from 'node:cluster';
import { type IpcEnd, IpcTopic } from '../ipc.js';
import {
  clusterTopic,
  type PrimaryMessage,
  type WorkerEnvironment,
  type WorkerMessage,
  type WorkerReport,
} from './cluster.protocol.js';
import { answerLastDealt } from './deal-fence.js';
import { DealtConnections } from './dealt-connections.js';
import type { EndingCause } from './exit-kind.js';
import type { WorkerRecord } from './supervision-plan.js';
import { nextState, type WorkerEvent } from './worker-state.js';

/** What a worker says and how it ends. */
export interface WorkerListener {
  onMessage(message: WorkerMessage): void;
  onExit(code: number | null, signal: NodeJS.Signals | null): void;
}

/** The primary's end of a worker: what is known of it, and how to reach it. */
export class WorkerHandle {
  report: WorkerReport | undefined;
  /** What the primary has asked of it. */
  cause: EndingCause = 'none';
  /** Why it was refused, if it was. */
  refusal: string | undefined;
  readySince: number | undefined;
  /** 0…1, so that workers of one age are not recycled in step. */
  readonly jitter = Math.random();

  private readonly topic: IpcTopic<WorkerMessage, PrimaryMessage>;

  private constructor(
    private readonly worker: Worker,
    public record: WorkerRecord,
  ) {
    this.topic = new IpcTopic(worker.process, clusterTopic);
  }

  /** Forks a worker, which runs the code that is on disk now. */
  static fork(environment: WorkerEnvironment, toRecord: (id: number) => WorkerRecord, listener: WorkerListener) {
    cluster.setupPrimary({ serialization: 'advanced' });
    const worker = cluster.fork(environment);
    const handle = new WorkerHandle(worker, toRecord(worker.id));
    handle.topic.listen((message) => listener.onMessage(message));
    answerLastDealt(worker.process);
    // A worker that ends while it is written to is an `exit` as well.
    worker.on('error', () => {});
    const dealt = new DealtConnections(worker.process);
    worker.once('exit', (code: number | null, signal: NodeJS.Signals | '' | null) => {
      dealt.close();
      listener.onExit(code, signal || null);
    });
    return handle;
  }

  get pid(): number | undefined {
    return this.worker.process.pid;
  }

  /** For other conversations over the same channel. */
  get ipc(): IpcEnd {
    return this.worker.process;
  }

  send(message: PrimaryMessage): void {
    this.topic.send(message);
  }

  signal(signal: NodeJS.Signals): void {
    this.worker.process.kill(signal);
  }

  /** Moves it to the state that the event leads to, where it may stay for `patienceMs`. */
  advance(event: WorkerEvent, patienceMs: number): void {
    const state = nextState(this.record.state, event);
    if (state === this.record.state) return;
    const now = performance.now();
    this.record = { ...this.record, state, since: now, deadline: now + patienceMs };
  }

  /** Asks it to let its clients go within `drainMs` and to end. */
  drain(drainMs: number, graceMs: number): void {
    if (this.cause === 'none') this.cause = 'drain';
    const listens = this.record.state === 'ready';
    this.advance('drain', drainMs + graceMs);
    // What a worker is told before it listens may be lost; a signal always arrives.
    if (listens) this.send({ type: 'drain', drainMs });
    else this.signal('SIGTERM');
  }

  /** Ends it, which hangs and would not read a message. */
  terminate(graceMs: number): void {
    this.cause = 'hang';
    this.advance('drain', graceMs);
    this.signal('SIGTERM');
  }

  kill(): void {
    this.advance('kill', Infinity);
    this.signal('SIGKILL');
  }

  /** Ends it before it serves, for a reason that stands in for its exit code. */
  refuse(reason: string): void {
    this.refusal = reason;
    this.signal('SIGTERM');
  }
}
