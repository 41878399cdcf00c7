import { randomBytes } from 'node:crypto';
import { EventEmitter } from 'node:events';
import { Inject, Injectable, Logger, type OnApplicationShutdown, type OnModuleDestroy } from '@nestjs/common';
import { Carrier } from '../carrier.js';
import { FleetClock } from '../fleet-clock.js';
import type { LeaderStatus } from '../fleet-status.js';
import { Leadership } from '../leadership.js';
import { compareTerms, newerTerm, noTerm, readTerm, type Term } from '../term.js';
import { within } from '../within.js';
import { FLEET_OPTIONS, leaseChannel, type ResolvedFleetOptions } from './fleet.options.js';
import { alarmOf, decide, leads, type LeaseEvent, type LeaseState, type LeaseStep, newCandidate } from './lease.js';
import type { LeaseRecord } from './lease-record.js';
import type { LeaseAnswer, LeaseStore } from './lease-store.js';

export const LEASE_STORE = Symbol('LEASE_STORE');

/** How long a start waits for the first word of the lease server, so that clients hear no beat by a wrong clock. */
const firstAnswerMs = 1_000;

/** A timer's longest delay; what is further away is looked at again then. */
const longestDelayMs = 2 ** 31 - 1;

/** After giving the lease away by hand, this part of a lease passes before it is asked for again. */
const standBackPart = 0.5;

const releaseTimeoutMs = 500;

/** Terms rise by one from leader to leader: one that is further ahead is no term of this fleet. */
const longestLeap = 1_000_000;

/** How often a primary says at the most that somebody is in an older term. */
const correctionMs = 200;

/** Takes part in the fleet's lease for this primary: {@link decide} says what to do, and it is done here. */
@Injectable()
export class LeaseHolder extends Leadership implements OnModuleDestroy, OnApplicationShutdown {
  private readonly logger = new Logger('Fleet');
  private readonly holder: string;
  private readonly channel: string;
  private readonly changes = new EventEmitter<{ change: [Term | undefined]; answered: [] }>().setMaxListeners(0);
  private readonly unlisten: () => void;
  private state: LeaseState = newCandidate;
  private newest: Term = noTerm;
  private known: { readonly record: LeaseRecord; readonly serverTime: number; readonly at: number } | undefined;
  private correctedAt = -Infinity;
  private takeovers = 0;
  private steppedDown: string | null = null;
  private failure: string | null = null;
  private alarm: NodeJS.Timeout | undefined;
  private released: Promise<boolean> = Promise.resolve(true);

  constructor(
    @Inject(LEASE_STORE) private readonly store: LeaseStore,
    @Inject(FLEET_OPTIONS) private readonly options: ResolvedFleetOptions,
    @Inject(FleetClock) private readonly clock: FleetClock,
    @Inject(Carrier) private readonly carrier: Carrier,
  ) {
    super();
    this.holder = `${options.host}:${process.pid}:${randomBytes(4).toString('hex')}`;
    this.channel = leaseChannel(options.key);
    this.unlisten = carrier.onMessage((channel, message) => {
      if (channel !== this.channel) return;
      const term = readTerm(message);
      if (term) this.observe(term);
      this.take({ type: 'changed' });
    });
  }

  get term(): Term | undefined {
    const { state } = this;
    return leads(state, performance.now()) ? state.term : undefined;
  }

  get newestTerm(): Term {
    return this.newest;
  }

  get status(): LeaderStatus {
    const { known, takeovers, steppedDown } = this;
    const now = performance.now();
    const own = this.term !== undefined;
    const sinceAnswer = known ? now - known.at : 0;
    const isLed = known !== undefined && (own || known.record.until > known.serverTime + sinceAnswer);
    return {
      here: own,
      holder: isLed ? known.record.holder : null,
      term: this.newest.counter,
      ageMs: isLed ? Math.round(known.serverTime + sinceAnswer - known.record.since) : null,
      why: isLed ? known.record.why : null,
      knownForMs: known ? Math.round(sinceAnswer) : null,
      takeovers,
      steppedDown,
      failure: this.failure,
    };
  }

  observe(term: Term): void {
    if (term.counter > this.newest.counter + longestLeap) return;
    const isOlder = compareTerms(term, this.newest) < 0;
    this.raise(term);
    // Whoever is in it has not heard of the newest one.
    if (isOlder) this.correct();
  }

  onChange(listener: (term: Term | undefined) => void): () => void {
    this.changes.on('change', listener);
    return () => void this.changes.off('change', listener);
  }

  /** Calls `listener` after each answer of the lease server; returns what ends that. */
  onAnswer(listener: () => void): () => void {
    this.changes.on('answered', listener);
    return () => void this.changes.off('answered', listener);
  }

  /** Takes part from now on; resolves once the lease server has answered, or a second has passed. */
  async begin(): Promise<void> {
    void this.carrier.subscribe([this.channel]);
    const answered = new Promise<void>((resolve) => void this.changes.once('answered', resolve));
    this.take({ type: 'time' });
    await within(firstAnswerMs, answered, () => {});
  }

  /** Gives the lease back and asks for it no more. Call it before anything else ends: a successor waits for it. */
  async leave(): Promise<void> {
    this.take({ type: 'resign', forMs: Infinity });
    await within<unknown>(releaseTimeoutMs, this.released, () => {});
  }

  async onModuleDestroy(): Promise<void> {
    await this.leave();
  }

  async onApplicationShutdown(): Promise<void> {
    clearTimeout(this.alarm);
    this.unlisten();
    this.carrier.unsubscribe([this.channel]);
    await this.store.close();
  }

  /**
   * Gives the lease to another primary, where there is one. Does nothing where this one does not lead.
   *
   * Resolves with whether the lease server has it back: if not, it ends by itself.
   */
  async resign(): Promise<boolean> {
    const { leaseMs } = this.options;
    this.take({ type: 'resign', forMs: Number.isFinite(leaseMs) ? leaseMs * standBackPart : 0 });
    return await this.released;
  }

  private raise(term: Term): void {
    this.newest = newerTerm(this.newest, term);
    const own = this.term;
    if (own && compareTerms(this.newest, own) > 0) this.take({ type: 'outranked' });
  }

  private correct(): void {
    const now = performance.now();
    if (now - this.correctedAt < correctionMs) return;
    this.correctedAt = now;
    this.sayChanged();
  }

  private take(event: LeaseEvent): void {
    const now = performance.now();
    const { state, steps } = decide(this.state, event, now, this.options.leaseMs);
    this.state = state;
    for (const step of steps) this.do(step, now);
    this.setAlarm();
  }

  private setAlarm(): void {
    clearTimeout(this.alarm);
    const at = alarmOf(this.state, this.options.leaseMs);
    if (!Number.isFinite(at)) return;
    const delay = Math.min(longestDelayMs, Math.max(0, Math.ceil(at - performance.now())));
    this.alarm = setTimeout(() => this.take({ type: 'time' }), delay);
  }

  private do(step: LeaseStep, now: number): void {
    const { leaseMs } = this.options;
    switch (step.action) {
      case 'acquire':
        return this.ask(
          now,
          () => this.store.acquire(this.holder, leaseMs, this.newest.counter),
          ({ record }) => ({ type: 'granted', term: { counter: record.counter, holder: record.holder } }),
        );
      case 'renew':
        return this.ask(
          now,
          () => this.store.renew(step.term, leaseMs),
          () => ({ type: 'renewed' }),
        );
      case 'release':
        this.released = this.release(step.term);
        return;
      case 'lead':
        this.takeovers++;
        this.logger.log(`this primary leads the fleet in term ${step.term.counter} (${this.known?.record.why})`);
        this.changes.emit('change', step.term);
        this.sayChanged();
        return this.raise(step.term);
      case 'follow':
        this.steppedDown = step.why;
        this.logger[step.why === 'resigned' ? 'log' : 'warn'](`this primary leads the fleet no longer (${step.why})`);
        this.changes.emit('change', undefined);
    }
  }

  private ask(
    sentAt: number,
    question: () => Promise<LeaseAnswer>,
    toEvent: (answer: LeaseAnswer) => { type: 'granted'; term: Term } | { type: 'renewed' },
  ): void {
    question().then(
      (answer) => {
        this.learn(sentAt, answer);
        const { held, record, serverTime } = answer;
        if (held) return this.take({ ...toEvent(answer), sentAt });
        return this.take({ type: 'refused', sentAt, remainingMs: Math.max(0, record.until - serverTime) });
      },
      (error: Error) => {
        this.sayFailed(error);
        this.take({ type: 'failed', sentAt });
      },
    );
  }

  private async release(term: Term): Promise<boolean> {
    try {
      this.learn(performance.now(), await this.store.release(term));
      return true;
    } catch {
      return false;
    } finally {
      this.sayChanged();
    }
  }

  private sayFailed({ message }: Error): void {
    if (this.failure === message) return;
    this.failure = message;
    this.logger.warn(`the lease server cannot be used (${message}): trying again`);
  }

  private sayAnswered(): void {
    if (this.failure === null) return;
    this.failure = null;
    this.logger.log('the lease server answers again');
  }

  private learn(sentAt: number, { record, serverTime }: LeaseAnswer): void {
    const at = performance.now();
    this.known = { record, serverTime, at };
    this.sayAnswered();
    if (record.holder !== '') this.raise({ counter: record.counter, holder: record.holder });
    this.clock.measure(sentAt, at, serverTime);
    this.changes.emit('answered');
  }

  private sayChanged(): void {
    if (this.carrier.health.state === 'connected')
      this.carrier.publish(this.channel, Buffer.from(JSON.stringify(this.newest)));
  }
}
