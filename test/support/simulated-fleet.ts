import { FleetClock } from '../../src/fleet-clock.js';
import { alarmOf, decide, leads, type LeaseEvent, type LeaseState, newCandidate } from '../../src/fleet/lease.js';
import { applyRequest, emptyRecord, type LeaseRecord, type LeaseRequest } from '../../src/fleet/lease-record.js';
import { type GateState, openGate, passed, refusalOf } from '../../src/heartbeat/beat-gate.js';
import { beatsDue } from '../../src/heartbeat/beats-due.js';
import { compareTerms, newerTerm, noTerm, type Term } from '../../src/term.js';
import { Random } from './random.js';

export const leaseMs = 5_000;
export const intervalMs = 1_000;
const hosts = 3;
const workersPerHost = 2;

/** What a worker has let pass, with when. */
export interface Passed {
  readonly at: number;
  readonly term: Term;
  readonly sequence: number;
}

interface SimulatedWorker {
  gate: GateState;
  readonly heard: Passed[];
}

/**
 * A fleet in simulated time: the lease, the gate, the clock and the beats are the real ones; what carries messages, the
 * lease server with its replica, and every clock are made here, and everything that can happen to them happens.
 */
export class SimulatedFleet {
  now = 0;
  readonly workers: SimulatedWorker[] = [];
  /** Those that ended with their primary. */
  readonly gone: SimulatedWorker[] = [];
  /** When more than one primary led at the same moment. */
  readonly rivals: number[] = [];
  takeovers = 0;
  redis: 'there' | 'away' = 'there';
  /** Hosts to and from which nothing arrives. */
  readonly cutOff = new Set<number>();
  /** The slowest of messages and answers take so long: at first longer than a primary waits for an answer. */
  longestDelayMs = 3_000;

  readonly random: Random;
  private readonly agenda: { at: number; order: number; act: () => void }[] = [];
  private order = 0;
  private serverOffset: number;
  private master: LeaseRecord = emptyRecord;
  private replica: LeaseRecord = emptyRecord;
  readonly primaries: SimulatedPrimary[];

  constructor(seed: number) {
    this.random = new Random(seed);
    this.serverOffset = 1_000_000_000 + this.random.below(1_000_000);
    this.primaries = Array.from({ length: hosts }, (_, host) => new SimulatedPrimary(this, host));
    for (const primary of this.primaries) primary.start();
    this.replicate();
  }

  /** Lets so much time pass, and everything that happens in it. */
  run(ms: number): void {
    const end = this.now + ms;
    while (this.agenda.length > 0 && this.agenda[0]!.at <= end) {
      const next = this.agenda.shift()!;
      this.now = next.at;
      next.act();
      if (this.leaders.length > 1) this.rivals.push(this.now);
    }
    this.now = end;
  }

  get leaders(): SimulatedPrimary[] {
    return this.primaries.filter((primary) => primary.believesToLead);
  }

  at(at: number, act: () => void): void {
    const entry = { at, order: this.order++, act };
    const index = this.agenda.findLastIndex((other) => other.at <= at);
    this.agenda.splice(index + 1, 0, entry);
  }

  /** One way between a host and Redis, or never. */
  deliver(host: number, act: () => void): void {
    if (this.redis === 'away' || this.cutOff.has(host)) return;
    const delay = this.random.below(20) === 0 ? this.random.below(this.longestDelayMs) : this.random.below(5);
    this.at(this.now + delay, act);
  }

  serve(request: LeaseRequest): { held: boolean; record: LeaseRecord; serverTime: number } {
    const serverTime = this.now + this.serverOffset;
    const { record, held } = applyRequest(this.master, request, serverTime);
    this.master = record;
    return { held, record, serverTime };
  }

  /** The replica takes over, with what it has got so far. */
  failOver(): void {
    this.master = this.replica;
  }

  jumpServerClock(): void {
    this.serverOffset += this.random.below(20_001) - 10_000;
  }

  hear(worker: number, beat: { term: Term; sequence: number }): void {
    const each = this.workers[worker]!;
    if (!refusalOf(each.gate, beat)) each.heard.push({ at: this.now, ...beat });
    each.gate = passed(each.gate, beat);
  }

  private replicate(): void {
    this.replica = this.master;
    this.at(this.now + 50 + this.random.below(1_500), () => this.replicate());
  }
}

export class SimulatedPrimary {
  private lease: LeaseState = newCandidate;
  private holder = '';
  private generation = 0;
  private clock: FleetClock;
  private given: number | undefined;
  private seen: Term = noTerm;
  private frozen: (() => void)[] | undefined;
  private readonly monotonicOffset: number;

  constructor(
    private readonly fleet: SimulatedFleet,
    readonly host: number,
  ) {
    this.monotonicOffset = fleet.random.below(1_000_000);
    this.clock = this.newClock();
  }

  get believesToLead(): boolean {
    return this.frozen === undefined && leads(this.lease, this.monotonic);
  }

  get time(): number {
    return this.clock.now();
  }

  start(): void {
    this.generation++;
    this.frozen = undefined;
    this.replaceWorkers();
    this.holder = `host-${this.host}:${this.generation}`;
    this.lease = newCandidate;
    this.seen = noTerm;
    this.clock = this.newClock();
    this.given = undefined;
    this.take({ type: 'time' });
    this.tick();
  }

  /** Nothing arrives here, and nothing from here arrives. */
  cutOff(forMs: number): void {
    const { cutOff, now } = this.fleet;
    cutOff.add(this.host);
    this.fleet.at(now + forMs, () => cutOff.delete(this.host));
  }

  /** As SIGSTOP: everything waits, and happens at once when it goes on. */
  freeze(): void {
    this.frozen ??= [];
  }

  thaw(): void {
    const waiting = this.frozen ?? [];
    this.frozen = undefined;
    // Timers or messages first, as it happens.
    if (this.fleet.random.below(2) === 0) waiting.reverse();
    for (const act of waiting) act();
  }

  resign(): void {
    if (this.frozen === undefined) this.take({ type: 'resign', forMs: 2_000 });
  }

  /** Workers end with their primary. */
  private replaceWorkers(): void {
    const { workers, gone } = this.fleet;
    for (let slot = 0; slot < workersPerHost; slot++) {
      const index = this.host * workersPerHost + slot;
      if (workers[index]) gone.push(workers[index]);
      workers[index] = { gate: openGate, heard: [] };
    }
  }

  private get monotonic(): number {
    return this.fleet.now + this.monotonicOffset;
  }

  private newClock(): FleetClock {
    return new FleetClock(() => this.monotonic);
  }

  /** Not in a later life, and not while it is frozen. */
  private whenAwake(act: () => void): () => void {
    const { generation } = this;
    const guarded = (): void => {
      if (generation !== this.generation) return;
      if (this.frozen) this.frozen.push(guarded);
      else act();
    };
    return guarded;
  }

  private take(event: LeaseEvent): void {
    const { state, steps } = decide(this.lease, event, this.monotonic, leaseMs);
    this.lease = state;
    for (const step of steps) {
      if (step.action === 'lead') {
        this.fleet.takeovers++;
        this.raise(step.term);
      }
      if (step.action === 'acquire') {
        this.ask({ type: 'acquire', holder: this.holder, leaseMs, atLeast: this.seen.counter });
      }
      if (step.action === 'renew') this.ask({ type: 'renew', term: step.term, leaseMs });
      if (step.action === 'release') this.ask({ type: 'release', term: step.term });
    }
    const { generation } = this;
    const wakeIn = Math.max(0, alarmOf(this.lease, leaseMs) - this.monotonic);
    const alarm = this.whenAwake(() => this.take({ type: 'time' }));
    if (Number.isFinite(wakeIn) && generation === this.generation) this.fleet.at(this.fleet.now + wakeIn, alarm);
  }

  private ask(request: LeaseRequest): void {
    const sentAt = this.monotonic;
    this.fleet.deliver(this.host, () => {
      const answer = this.fleet.serve(request);
      const hear = this.whenAwake(() => {
        this.clock.measure(sentAt, this.monotonic, answer.serverTime);
        const { counter, holder } = answer.record;
        if (holder !== '') this.raise({ counter, holder });
        if (request.type !== 'release') this.take(toEvent(request.type, sentAt, answer));
      });
      this.fleet.deliver(this.host, hear);
    });
  }

  private tick(): void {
    if (!this.clock.isKnown) {
      this.fleet.at(
        this.fleet.now + 1,
        this.whenAwake(() => this.tick()),
      );
      return;
    }
    const sequence = Math.floor(this.clock.now() / intervalMs);
    const isLeader = leads(this.lease, this.monotonic);
    for (const due of beatsDue(sequence, this.given ?? sequence - 1, isLeader)) this.give(due, isLeader);
    this.given ??= sequence - 1;
    const next = Math.max(1, (sequence + 1) * intervalMs - this.clock.now());
    this.fleet.at(
      this.fleet.now + next,
      this.whenAwake(() => this.tick()),
    );
  }

  private give(sequence: number, toAll: boolean): void {
    this.given = sequence;
    const term = this.lease.role === 'leader' && toAll ? this.lease.term : this.seen;
    const beat = { term, sequence };
    this.tellOwnWorkers(beat);
    if (!toAll) return;
    for (let worker = 0; worker < hosts * workersPerHost; worker++) {
      this.send(Math.floor(worker / workersPerHost), () => this.fleet.hear(worker, beat));
    }
    for (const primary of this.fleet.primaries) {
      if (primary !== this) {
        const hear = primary.whenAwake(() => primary.relay(beat));
        this.send(primary.host, hear);
      }
    }
  }

  /** To Redis, and from there to the other host. */
  private send(host: number, act: () => void): void {
    this.fleet.deliver(this.host, () => this.fleet.deliver(host, act));
  }

  private relay(beat: { term: Term; sequence: number }): void {
    if (!this.clock.reach(beat.sequence * intervalMs)) return;
    this.observe(beat.term);
    this.given = Math.max(this.given ?? -1, beat.sequence);
    this.tellOwnWorkers(beat);
  }

  /** As the lease holder does. */
  private observe(term: Term): void {
    const isOlder = compareTerms(term, this.seen) < 0;
    this.raise(term);
    if (!isOlder) return;
    for (const primary of this.fleet.primaries) {
      const { seen } = this;
      const hear = primary.whenAwake(() => primary.observe(seen));
      if (primary !== this) this.send(primary.host, hear);
    }
  }

  private raise(term: Term): void {
    this.seen = newerTerm(this.seen, term);
    const own = leads(this.lease, this.monotonic) ? this.lease.term : undefined;
    if (own && compareTerms(this.seen, own) > 0) this.take({ type: 'outranked' });
  }

  private tellOwnWorkers(beat: { term: Term; sequence: number }): void {
    for (let slot = 0; slot < workersPerHost; slot++) {
      const worker = this.host * workersPerHost + slot;
      this.fleet.at(this.fleet.now + this.fleet.random.below(3), () => this.fleet.hear(worker, beat));
    }
  }
}

function toEvent(type: 'acquire' | 'renew', sentAt: number, answer: ReturnType<SimulatedFleet['serve']>): LeaseEvent {
  const { held, record, serverTime } = answer;
  if (!held) return { type: 'refused', sentAt, remainingMs: Math.max(0, record.until - serverTime) };
  if (type === 'renew') return { type: 'renewed', sentAt };
  return { type: 'granted', sentAt, term: { counter: record.counter, holder: record.holder } };
}
