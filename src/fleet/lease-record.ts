import type { Term } from '../term.js';

/** How the present leader came to lead. */
export const takeoverReasons = ['first', 'released', 'expired', 'counter lost'] as const;
export type TakeoverReason = (typeof takeoverReasons)[number];

/** What the lease server keeps for a fleet. Its times are of the server's own clock. */
export interface LeaseRecord extends Term {
  readonly until: number;
  /** For how long it was granted or renewed: hosts may differ in that during a deploy. */
  readonly leaseMs: number;
  /** When the present term began. */
  readonly since: number;
  readonly why: TakeoverReason;
}

export type LeaseRequest =
  | { readonly type: 'acquire'; readonly holder: string; readonly leaseMs: number; readonly atLeast: number }
  | { readonly type: 'renew'; readonly term: Term; readonly leaseMs: number }
  | { readonly type: 'release'; readonly term: Term };

export const emptyRecord: LeaseRecord = { counter: 0, holder: '', until: 0, leaseMs: 0, since: 0, why: 'first' };

/**
 * What a request makes of the record, and whether the asker holds the lease now. The script in Redis does the same.
 *
 * `atLeast` is the highest counter that the candidate has heard of: a failover may have lost it.
 */
export function applyRequest(record: LeaseRecord, request: LeaseRequest, now: number) {
  switch (request.type) {
    case 'acquire': {
      const clipped = clip(record, now);
      if (clipped.until > now && clipped.holder !== request.holder) return { record: clipped, held: false };
      const why = reasonFor(clipped, request.atLeast);
      const counter = Math.max(clipped.counter, request.atLeast) + 1;
      const { holder, leaseMs } = request;
      return { record: { counter, holder, until: now + leaseMs, leaseMs, since: now, why }, held: true };
    }
    case 'renew':
      if (!isOf(record, request.term)) return { record, held: false };
      return { record: { ...record, until: now + request.leaseMs, leaseMs: request.leaseMs }, held: true };
    case 'release':
      if (!isOf(record, request.term)) return { record, held: false };
      return { record: { ...record, holder: '', until: 0 }, held: false };
  }
}

/** A lease server whose clock was set back must not keep a dead leader's lease for so much longer. */
function clip(record: LeaseRecord, now: number): LeaseRecord {
  const latest = now + record.leaseMs;
  return record.until > latest ? { ...record, until: latest } : record;
}

function reasonFor({ counter, holder }: LeaseRecord, atLeast: number): TakeoverReason {
  if (atLeast > counter) return 'counter lost';
  if (counter === 0) return 'first';
  return holder === '' ? 'released' : 'expired';
}

function isOf({ counter, holder }: LeaseRecord, term: Term): boolean {
  return counter === term.counter && holder === term.holder;
}
