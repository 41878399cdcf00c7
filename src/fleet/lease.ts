import { compareTerms, type Term } from '../term.js';

/**
 * The part of one primary in the fleet's lease. All times are of its monotonic clock.
 *
 *     candidate ──granted──▶ leader ──lease ends, or is lost──▶ candidate
 *         └──────resign──▶ resigned ◀──resign──┘
 *
 * Who has resigned by hand is a candidate again after a while; who ends never is.
 */
export type LeaseState =
  | { readonly role: 'candidate'; readonly askedAt: number | undefined; readonly nextAt: number }
  | {
      readonly role: 'leader';
      readonly term: Term;
      /** When it steps down unless it has renewed: before the lease itself ends. */
      readonly until: number;
      readonly askedAt: number | undefined;
      readonly nextAt: number;
    }
  | { readonly role: 'resigned'; readonly askedAt: number | undefined; readonly nextAt: number };

export type LeaseEvent =
  | { readonly type: 'time' }
  /** Another primary says that the lease has changed hands. */
  | { readonly type: 'changed' }
  /** A newer term than its own was heard of, so nobody heeds it: a failover of Redis has lost that one's grant. */
  | { readonly type: 'outranked' }
  | { readonly type: 'granted'; readonly sentAt: number; readonly term: Term }
  | { readonly type: 'renewed'; readonly sentAt: number }
  /** Somebody else holds the lease, for so long. */
  | { readonly type: 'refused'; readonly sentAt: number; readonly remainingMs: number }
  | { readonly type: 'failed'; readonly sentAt: number }
  | { readonly type: 'resign'; readonly forMs: number };

export type LeaseStep =
  | { readonly action: 'acquire' }
  | { readonly action: 'renew'; readonly term: Term }
  | { readonly action: 'release'; readonly term: Term }
  | { readonly action: 'lead'; readonly term: Term }
  | { readonly action: 'follow'; readonly why: SteppingDown };

/** Why a leader stopped: no renewal in time, somebody else had the lease, a newer term was about, or it gave it back. */
export type SteppingDown = 'not renewed' | 'lost' | 'outranked' | 'resigned';

export interface LeaseDecision {
  readonly state: LeaseState;
  readonly steps: readonly LeaseStep[];
}

const longestRenewMs = 60_000;

export const newCandidate: LeaseState = { role: 'candidate', askedAt: undefined, nextAt: -Infinity };

/** Whether the primary may act as the leader at this moment. Asked at every act: a stalled loop runs no timer. */
export function leads(state: LeaseState, now: number): state is Extract<LeaseState, { role: 'leader' }> {
  return state.role === 'leader' && now < state.until;
}

/** When to decide again at the latest. */
export function alarmOf(state: LeaseState, leaseMs: number): number {
  const answerBy = state.askedAt === undefined ? state.nextAt : state.askedAt + patienceOf(leaseMs);
  return state.role === 'leader' ? Math.min(state.until, answerBy) : answerBy;
}

/** Says what follows from an event, and never acts. */
export function decide(state: LeaseState, event: LeaseEvent, now: number, leaseMs: number): LeaseDecision {
  if (state.role === 'leader' && now >= state.until) {
    const candidate: LeaseState = { role: 'candidate', askedAt: state.askedAt, nextAt: now };
    const { state: next, steps } = decide(candidate, event, now, leaseMs);
    return { state: next, steps: [{ action: 'follow', why: 'not renewed' }, ...steps] };
  }
  switch (event.type) {
    case 'time':
      return ask(state, now, leaseMs);
    case 'changed':
      return state.role === 'candidate' ? ask({ ...state, nextAt: now }, now, leaseMs) : { state, steps: [] };
    case 'outranked':
      return outranked(state, now);
    case 'resign':
      return resign(state, now + event.forMs);
    default:
      return answered(state, event, now, leaseMs);
  }
}

type Answer = Extract<LeaseEvent, { sentAt: number }>;

function answered(state: LeaseState, event: Answer, now: number, leaseMs: number): LeaseDecision {
  const current = event.sentAt === state.askedAt;
  const open = current ? { ...state, askedAt: undefined } : state;
  // Counted from before the question was sent: the lease server began later.
  const until = event.sentAt + leaseMs - marginOf(leaseMs);
  switch (event.type) {
    case 'granted': {
      if (state.role === 'resigned') return { state: open, steps: [{ action: 'release', term: event.term }] };
      // Of an earlier question: where the server has seen that one later, the term in which it leads is over.
      if (state.role === 'leader')
        return compareTerms(event.term, state.term) > 0 ? outranked(state, now) : { state: open, steps: [] };
      if (!current || now >= until) return ask({ ...open, nextAt: now }, now, leaseMs);
      const nextAt = event.sentAt + renewAfter(leaseMs);
      const leader: LeaseState = { role: 'leader', term: event.term, until, askedAt: undefined, nextAt };
      return { state: leader, steps: [{ action: 'lead', term: event.term }] };
    }
    case 'renewed':
      if (open.role !== 'leader' || !current) return { state: open, steps: [] };
      return { state: { ...open, until, nextAt: event.sentAt + renewAfter(leaseMs) }, steps: [] };
    case 'refused':
      if (!current || open.role === 'resigned') return { state: open, steps: [] };
      return {
        // Its end is known exactly, so nobody needs to ask in between.
        state: { role: 'candidate', askedAt: undefined, nextAt: now + Math.min(event.remainingMs, leaseMs) + 1 },
        steps: open.role === 'leader' ? [{ action: 'follow', why: 'lost' }] : [],
      };
    case 'failed':
      if (!current || open.role === 'resigned') return { state: open, steps: [] };
      return { state: { ...open, nextAt: now + retryOf(leaseMs) }, steps: [] };
  }
}

function ask(state: LeaseState, now: number, leaseMs: number): LeaseDecision {
  if (state.askedAt !== undefined && now < state.askedAt + patienceOf(leaseMs)) return { state, steps: [] };
  if (now < state.nextAt) return { state: { ...state, askedAt: undefined }, steps: [] };
  switch (state.role) {
    case 'leader':
      return { state: { ...state, askedAt: now }, steps: [{ action: 'renew', term: state.term }] };
    case 'candidate':
    case 'resigned':
      return {
        state: { role: 'candidate', askedAt: now, nextAt: now },
        steps: [{ action: 'acquire' }],
      };
  }
}

/** It has the lease, so it gets a term above the one that it has heard of. */
function outranked(state: LeaseState, now: number): LeaseDecision {
  if (state.role !== 'leader') return { state, steps: [] };
  return {
    state: { role: 'candidate', askedAt: now, nextAt: now },
    steps: [{ action: 'follow', why: 'outranked' }, { action: 'acquire' }],
  };
}

function resign(state: LeaseState, nextAt: number): LeaseDecision {
  const resigned: LeaseState = { role: 'resigned', askedAt: undefined, nextAt };
  if (state.role !== 'leader') return { state: resigned, steps: [] };
  const steps: LeaseStep[] = [
    { action: 'follow', why: 'resigned' },
    { action: 'release', term: state.term },
  ];
  return { state: resigned, steps };
}

/** A lease that does not end is renewed as well: with each answer comes the time of the server's clock. */
function renewAfter(leaseMs: number): number {
  return Math.min(leaseMs / 3, longestRenewMs);
}

/** How much earlier than its lease a leader ends: clocks may run at different speeds. */
function marginOf(leaseMs: number): number {
  return Number.isFinite(leaseMs) ? leaseMs / 10 : 0;
}

/** After which time a question counts as lost. */
function patienceOf(leaseMs: number): number {
  return Math.min(leaseMs / 5, longestRenewMs);
}

function retryOf(leaseMs: number): number {
  return Math.min(leaseMs / 20, 250);
}
