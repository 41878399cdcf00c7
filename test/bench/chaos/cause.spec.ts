import { describe, expect, it } from 'vitest';
import { bounds, causeOf, causeOfLeaving } from '../../../bench/chaos/cause.js';
import type { Fate, Stay, Trouble } from '../../../bench/chaos/history.js';

const { inFlightMs, recoveryMs, noticeMs } = bounds;

const stay = (slot: number, joinedAt: number, leftAt?: number): Stay => ({
  client: 'c1',
  slot,
  joinedAt,
  leftAt,
  heard: new Map(),
});

const freeze: Trouble = { kind: 'Redis freeze', from: 100_000, to: 104_000 };
const kill = (slot: number): Trouble => ({ kind: 'worker SIGKILL', from: 100_000, to: 100_000, slot });
const slow: Trouble = { kind: 'slow clients', from: 100_000, to: 104_000, clients: ['c1'] };

interface Case {
  readonly from?: number | undefined;
  readonly sentAt: number;
  readonly fate?: Fate;
  readonly stays?: readonly Stay[];
  readonly troubles?: readonly Trouble[];
}

/** Of a message that went through worker 1, to a client on worker 2. */
function cause({ sentAt, fate = 'taken', stays = [stay(2, 0)], troubles = [], ...sender }: Case): string | undefined {
  return causeOf({ slot: 'from' in sender ? sender.from : 1 }, { sentAt, fate }, stays, troubles);
}

describe('a message that a receiver did not get', () => {
  it('has no cause while nothing is broken', () => {
    expect(cause({ sentAt: 50_000 })).toBeUndefined();
  });

  it('has none in poison, which must do nothing', () => {
    expect(cause({ sentAt: 100_000, troubles: [{ kind: 'poison', from: 100_000, to: 100_000 }] })).toBeUndefined();
  });

  it.each([
    ['long before', freeze.from - inFlightMs - 1, undefined],
    ['just before', freeze.from - inFlightMs, 'Redis freeze, between workers'],
    ['during', freeze.from + 1, 'Redis freeze, between workers'],
    ['just after', freeze.to + recoveryMs, 'Redis freeze, between workers'],
    ['long after', freeze.to + recoveryMs + 1, undefined],
  ])('%s a fault of Redis', (_, sentAt, expected) => {
    expect(cause({ sentAt, troubles: [freeze] })).toBe(expected);
  });

  it('is not excused by Redis where sender and receiver are on one worker', () => {
    expect(cause({ from: 2, sentAt: 101_000, troubles: [freeze] })).toBeUndefined();
  });

  it('is told apart where it came from outside, which has no other way than Redis', () => {
    expect(cause({ from: undefined, sentAt: 101_000, troubles: [freeze] })).toBe('Redis freeze, from outside');
    expect(cause({ from: undefined, sentAt: 101_000, fate: 'cut off' })).toBe('Redis did not take it');
  });

  it('is excused where its sender was cut off before an answer, or killed right after it', () => {
    expect(cause({ sentAt: 50_000, fate: 'cut off' })).toBe('the sender was cut off');
    expect(cause({ sentAt: 99_900, troubles: [kill(1)] })).toBe('the worker of the sender was killed');
    expect(cause({ sentAt: 99_900, troubles: [kill(3)] })).toBeUndefined();
    // The slot has another worker by then.
    expect(cause({ sentAt: 100_100, troubles: [kill(1)] })).toBeUndefined();
  });

  it('is excused where the receiver is away, with what took it away', () => {
    const stays = [stay(2, 0, 100_010), stay(1, 101_000)];

    expect(cause({ sentAt: 100_500, stays, troubles: [kill(2)] })).toBe('the receiver was away (worker SIGKILL)');
    expect(cause({ sentAt: 100_500, stays, troubles: [kill(3)] })).toBe('the receiver was away (unexplained)');
    expect(cause({ sentAt: 101_000, stays, troubles: [kill(3)] })).toBeUndefined();
    // What was under way when the connection ended, and what should have arrived by then.
    expect(cause({ sentAt: 100_010 - inFlightMs + 1, stays, troubles: [kill(2)] })).toContain('was away');
    expect(cause({ sentAt: 100_010 - inFlightMs, stays, troubles: [kill(2)] })).toBeUndefined();
    expect(cause({ sentAt: 50_000, stays: [stay(2, 60_000)] })).toBe('the receiver was not there yet');
  });

  it('is excused where the receiver does not read', () => {
    expect(cause({ sentAt: 102_000, troubles: [slow] })).toBe('the receiver was slow');
    expect(cause({ sentAt: 102_000, troubles: [{ ...slow, clients: ['c2'] }] })).toBeUndefined();
  });
});

describe('a connection that ended', () => {
  it('was killed with its own worker, at once', () => {
    expect(causeOfLeaving(stay(2, 0, 100_000 + noticeMs), [kill(2)])).toBe('worker SIGKILL');
    expect(causeOfLeaving(stay(2, 0, 100_001 + noticeMs), [kill(2)])).toBeUndefined();
    expect(causeOfLeaving(stay(2, 0, 99_999), [kill(2)])).toBeUndefined();
    expect(causeOfLeaving(stay(1, 0, 100_000), [kill(2)])).toBeUndefined();
  });

  it('was given up because it did not read', () => {
    expect(causeOfLeaving(stay(2, 0, 101_000), [slow])).toBe('slow clients');
    expect(causeOfLeaving(stay(2, 0, slow.to + recoveryMs), [slow])).toBe('slow clients');
    expect(causeOfLeaving(stay(2, 0, slow.to + recoveryMs + 1), [slow])).toBeUndefined();
    expect(causeOfLeaving(stay(2, 0, 101_000), [{ ...slow, clients: ['c2'] }])).toBeUndefined();
  });

  it('was killed where it did not read either', () => {
    expect(causeOfLeaving(stay(2, 0, 101_000), [slow, kill(2)])).toBe('worker SIGKILL');
  });

  it('has no cause in Redis', () => {
    expect(causeOfLeaving(stay(2, 0, 101_000), [freeze])).toBeUndefined();
  });
});
