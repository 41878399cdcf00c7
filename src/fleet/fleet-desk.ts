import { randomUUID } from 'node:crypto';
import { EventEmitter, once } from 'node:events';
import { Inject, Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import { Carrier } from '../carrier.js';
import { ClusterIoError } from '../errors.js';
import type { FleetControl, FleetStatus, JobRun, JobStatus, ReleasedLease } from '../fleet-status.js';
import { within } from '../within.js';
import { JobStillRunningError, LeaderRefusedError, NoLeaderError } from './errors.js';
import { FLEET_OPTIONS, type ResolvedFleetOptions } from './fleet.options.js';
import { FleetJobs } from './fleet-jobs.js';
import { fleetChannel, type FleetMessage, type FleetRequest, readMessage, toMessage } from './fleet.protocol.js';
import { LeaseHolder } from './lease-holder.js';

/** How long a leader may take to say that it has a request. */
const takenMs = 2_000;

/** How long an operator waits for a run. */
const doneMs = 60_000;

type Request = { readonly type: 'run job'; readonly name: string } | { readonly type: 'release lease' };
type Answer = Exclude<FleetMessage, FleetRequest>;

/** Does what an operator asks of the fleet, here or by the leader on another host. */
@Injectable()
export class FleetDesk implements Omit<FleetControl, 'status'>, OnApplicationShutdown {
  private readonly logger = new Logger('Fleet');
  private readonly channel: string;
  private readonly waiting = new Map<string, (answer: Answer) => void>();
  private readonly unlisten: () => void;

  constructor(
    @Inject(LeaseHolder) private readonly lease: LeaseHolder,
    @Inject(FleetJobs) private readonly fleetJobs: FleetJobs,
    @Inject(Carrier) private readonly carrier: Carrier,
    @Inject(FLEET_OPTIONS) { key }: ResolvedFleetOptions,
  ) {
    this.channel = fleetChannel(key);
    this.unlisten = carrier.onMessage((channel, message) => {
      if (channel === this.channel) this.hear(readMessage(message));
    });
  }

  /**
   * Has this primary take part in the fleet: in its lease, its jobs and its beats. Call it once the application is ready
   * for what they do. Resolves once the lease server has answered, or a second has passed.
   */
  async begin(): Promise<void> {
    void this.carrier.subscribe([this.channel]);
    await this.fleetJobs.begin();
  }

  /** Gives the lease back, and waits a second for what runs. Call it before the application closes. */
  async leave(): Promise<void> {
    await this.fleetJobs.leave();
  }

  onApplicationShutdown(): void {
    this.unlisten();
    this.carrier.unsubscribe([this.channel]);
  }

  /** @param refusedBeats is not of this folder */
  status(refusedBeats: number): FleetStatus {
    const leader = this.lease.status;
    const { takeovers } = leader;
    return { leader, counters: { takeovers, ...this.fleetJobs.totals, refusedBeats } };
  }

  async jobs(): Promise<readonly JobStatus[]> {
    return await this.fleetJobs.jobs();
  }

  /**
   * @throws NoLeaderError when no leader answers within two seconds.
   * @throws UnknownJobError, JobBusyError or what else the leader says.
   * @throws JobStillRunningError when the run takes longer than a minute.
   */
  async runJob(name: string): Promise<JobRun> {
    return (await this.ask({ type: 'run job', name })) as JobRun;
  }

  /** @throws NoLeaderError when no leader answers within two seconds. */
  async releaseLease(): Promise<ReleasedLease> {
    return (await this.ask({ type: 'release lease' })) as ReleasedLease;
  }

  private async ask(request: Request): Promise<unknown> {
    const id = randomUUID();
    const done = this.answerTo(id, request);
    try {
      if (this.lease.term) void this.serve({ ...request, id });
      else this.carrier.publish(this.channel, toMessage({ ...request, id }));
      return await done;
    } finally {
      this.waiting.delete(id);
    }
  }

  private async answerTo(id: string, request: Request): Promise<unknown> {
    const answers = new EventEmitter<{ any: []; last: [Answer] }>();
    this.waiting.set(id, (answer) => {
      answers.emit('any');
      if (answer.type !== 'taken') answers.emit('last', answer);
    });
    const done = once(answers, 'last').then(([answer]) => answer as Answer);
    await within<unknown>(takenMs, once(answers, 'any'), () => {
      throw new NoLeaderError();
    });
    const answer = await within(doneMs, done, () => {
      throw request.type === 'run job' ? new JobStillRunningError(request.name, doneMs) : new NoLeaderError();
    });
    if (answer.type === 'refused') throw new LeaderRefusedError(answer.code, answer.message);
    return answer.type === 'done' ? answer.result : undefined;
  }

  private hear(message: FleetMessage | undefined): void {
    if (!message) return;
    if (message.type !== 'run job' && message.type !== 'release lease') return this.waiting.get(message.id)?.(message);
    if (this.lease.term) void this.serve(message);
  }

  private async serve(request: FleetRequest): Promise<void> {
    const { id } = request;
    this.say({ type: 'taken', id });
    try {
      this.say({ type: 'done', id, result: await this.do(request) });
    } catch (error) {
      if (!(error instanceof ClusterIoError)) this.logger.error(error);
      const { code, message } = error instanceof ClusterIoError ? error : unforeseen;
      this.say({ type: 'refused', id, code, message });
    }
  }

  private async do(request: FleetRequest): Promise<unknown> {
    if (request.type === 'run job') {
      const run = await this.fleetJobs.runNow(request.name);
      // It has ceased to lead in between.
      if (!run) throw new NoLeaderError();
      return run;
    }
    const released = this.lease.status.holder;
    return { released, isFree: await this.lease.resign() };
  }

  private say(answer: Answer): void {
    const asker = this.waiting.get(answer.id);
    if (asker) asker(answer);
    else this.carrier.publish(this.channel, toMessage(answer));
  }
}

const unforeseen = { code: 'INTERNAL_ERROR', message: 'The leader could not do that: see its log.' };
