import { describe, expect, it } from 'vitest';
import { alarmOf, decide, leads, type LeaseEvent, type LeaseState, newCandidate } from '../../src/fleet/lease.js';

const leaseMs = 1_000;
const term = { counter: 7, holder: 'a' };
const leader: LeaseState = { role: 'leader', term, until: 900, askedAt: undefined, nextAt: 333 };

describe('the part of a primary in the lease', () => {
  it('begins with asking for it', () => {
    const { state, steps } = decide(newCandidate, { type: 'time' }, 0, leaseMs);

    expect(steps).toEqual([{ action: 'acquire' }]);
    expect(state).toMatchObject({ role: 'candidate', askedAt: 0 });
  });

  it('asks one question at a time, and again when it was not answered', () => {
    const asked = decide(newCandidate, { type: 'time' }, 0, leaseMs).state;

    expect(decide(asked, { type: 'time' }, 199, leaseMs).steps).toEqual([]);
    expect(decide(asked, { type: 'time' }, 200, leaseMs).steps).toEqual([{ action: 'acquire' }]);
  });

  it('leads from the grant to well before the lease ends, counted from when it asked', () => {
    const { state, steps } = decide(asking(0), { type: 'granted', sentAt: 0, term }, 150, leaseMs);

    expect(steps).toEqual([{ action: 'lead', term }]);
    expect(leads(state, 899)).toBe(true);
    expect(leads(state, 900)).toBe(false);
  });

  it('does not lead by a grant that took too long to arrive, but asks anew', () => {
    const { state, steps } = decide(asking(0), { type: 'granted', sentAt: 0, term }, 950, leaseMs);

    expect(steps).toEqual([{ action: 'acquire' }]);
    expect(leads(state, 950)).toBe(false);
  });

  it('gives back what was granted after it has resigned', () => {
    const resigned = decide(asking(0), { type: 'resign', forMs: Infinity }, 10, leaseMs).state;

    expect(decide(resigned, { type: 'granted', sentAt: 0, term }, 20, leaseMs).steps).toEqual([
      { action: 'release', term },
    ]);
  });

  it('leads on where the grant of an earlier question comes late', () => {
    const late = decide(leader, { type: 'granted', sentAt: 0, term: { ...term, counter: 6 } }, 500, leaseMs);

    expect(late).toEqual({ state: leader, steps: [] });
  });

  it('gets a newer term where the server has seen an earlier question later', () => {
    const { steps } = decide(leader, { type: 'granted', sentAt: 0, term: { ...term, counter: 8 } }, 500, leaseMs);

    expect(steps).toEqual([{ action: 'follow', why: 'outranked' }, { action: 'acquire' }]);
  });

  it('passes over answers to questions that it has given up', () => {
    const asked = decide(leader, { type: 'time' }, 333, leaseMs).state;

    expect(decide(asked, { type: 'renewed', sentAt: 200 }, 400, leaseMs)).toEqual({ state: asked, steps: [] });
    expect(decide(asked, { type: 'refused', sentAt: 200, remainingMs: 9 }, 400, leaseMs)).toEqual({
      state: asked,
      steps: [],
    });
    expect(decide(asking(0), { type: 'granted', sentAt: -500, term }, 10, leaseMs).steps).toEqual([]);
  });

  it('waits no longer than a lease for one that is said to last longer', () => {
    const { state } = decide(asking(0), { type: 'refused', sentAt: 0, remainingMs: 1e9 }, 10, leaseMs);

    expect(alarmOf(state, leaseMs)).toBe(10 + leaseMs + 1);
  });

  it('looks again when its time is over, also while a question is open', () => {
    const asked = decide({ ...leader, nextAt: 850 }, { type: 'time' }, 850, leaseMs).state;

    expect(alarmOf(asked, leaseMs)).toBe(900);
  });

  it('renews after a third of the lease', () => {
    expect(alarmOf(leader, leaseMs)).toBe(333);
    expect(decide(leader, { type: 'time' }, 332, leaseMs).steps).toEqual([]);

    const { state, steps } = decide(leader, { type: 'time' }, 333, leaseMs);
    expect(steps).toEqual([{ action: 'renew', term }]);
    expect(decide(state, { type: 'renewed', sentAt: 333 }, 400, leaseMs).state).toMatchObject({ until: 1_233 });
  });

  it('tries again soon when a renewal fails', () => {
    const asked = decide(leader, { type: 'time' }, 333, leaseMs).state;
    const { state } = decide(asked, { type: 'failed', sentAt: 333 }, 340, leaseMs);

    expect(state).toMatchObject({ role: 'leader', until: 900, nextAt: 390 });
  });

  it('steps down when its time is over, whatever wakes it, and asks again', () => {
    const events: LeaseEvent[] = [{ type: 'time' }, { type: 'changed' }, { type: 'failed', sentAt: 333 }];
    for (const event of events) {
      const { state, steps } = decide(leader, event, 900, leaseMs);
      expect(steps[0]).toEqual({ action: 'follow', why: 'not renewed' });
      expect(state.role).toBe('candidate');
    }
  });

  it('does not lead on by the answer to a renewal that arrives after a stall', () => {
    const asked = decide(leader, { type: 'time' }, 333, leaseMs).state;

    const { state, steps } = decide(asked, { type: 'renewed', sentAt: 333 }, 5_000, leaseMs);

    expect(steps).toEqual([{ action: 'follow', why: 'not renewed' }]);
    expect(leads(state, 5_000)).toBe(false);
  });

  it('steps down at once when somebody else has the lease, and asks when theirs ends', () => {
    const asked = decide(leader, { type: 'time' }, 333, leaseMs).state;
    const { state, steps } = decide(asked, { type: 'refused', sentAt: 333, remainingMs: 400 }, 350, leaseMs);

    expect(steps).toEqual([{ action: 'follow', why: 'lost' }]);
    expect(alarmOf(state, leaseMs)).toBe(751);
  });

  it('asks at once when the lease is said to have changed hands, but not as the leader', () => {
    const waiting: LeaseState = { role: 'candidate', askedAt: undefined, nextAt: 700 };

    expect(decide(waiting, { type: 'changed' }, 10, leaseMs).steps).toEqual([{ action: 'acquire' }]);
    expect(decide(leader, { type: 'changed' }, 10, leaseMs).steps).toEqual([]);
  });

  it('gets a newer term at once where a newer one than its own is about', () => {
    const { state, steps } = decide(leader, { type: 'outranked' }, 100, leaseMs);

    expect(steps).toEqual([{ action: 'follow', why: 'outranked' }, { action: 'acquire' }]);
    expect(leads(state, 100)).toBe(false);
    expect(decide(state, { type: 'granted', sentAt: 100, term }, 110, leaseMs).steps).toEqual([
      { action: 'lead', term },
    ]);
  });

  it('gives the lease back when it resigns, and stays back for so long', () => {
    const { state, steps } = decide(leader, { type: 'resign', forMs: 500 }, 100, leaseMs);

    expect(steps).toEqual([
      { action: 'follow', why: 'resigned' },
      { action: 'release', term },
    ]);
    expect(decide(state, { type: 'changed' }, 599, leaseMs).steps).toEqual([]);
    expect(alarmOf(state, leaseMs)).toBe(600);
    expect(decide(state, { type: 'time' }, 600, leaseMs).steps).toEqual([{ action: 'acquire' }]);
  });

  it('never asks again when it has resigned for good', () => {
    const { state } = decide(leader, { type: 'resign', forMs: Infinity }, 100, leaseMs);

    expect(alarmOf(state, leaseMs)).toBe(Infinity);
    expect(decide(state, { type: 'time' }, 1e12, leaseMs).steps).toEqual([]);
  });

  it('holds for ever where there is no end', () => {
    const { state } = decide(asking(0), { type: 'granted', sentAt: 0, term }, 1, Infinity);

    expect(leads(state, 1e15)).toBe(true);
    // And asks once a minute, for the time.
    expect(alarmOf(state, Infinity)).toBe(60_000);
  });
});

function asking(now: number): LeaseState {
  return decide(newCandidate, { type: 'time' }, now, leaseMs).state;
}
