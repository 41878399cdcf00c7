import type { Message, Stay, Stream, Trouble } from './history.js';
import type { FaultKind } from './schedule.js';

/** What is forgiven around a fault, in milliseconds. */
export const bounds = {
  /** How long a message may have been under way when the fault began. */
  inFlightMs: 2_000,
  /** How soon all is whole again once a fault is over. */
  recoveryMs: 3_000,
  /** How soon a client knows that its worker was killed. */
  noticeMs: 2_000,
} as const;

/**
 * Why a receiver did not get a message; undefined where nothing excuses it.
 *
 * What Redis does excuses nothing between two clients of one worker.
 */
export function causeOf(
  { slot }: Pick<Stream, 'slot'>,
  { sentAt, fate }: Message,
  stays: readonly Stay[],
  troubles: readonly Trouble[],
): string | undefined {
  if (fate === 'cut off') return slot === undefined ? 'Redis did not take it' : 'the sender was cut off';
  const stay = stays.findLast(({ joinedAt }) => joinedAt !== undefined && joinedAt <= sentAt);
  if (!stay) return 'the receiver was not there yet';
  if (sentAt > (stay.leftAt ?? Infinity) - bounds.inFlightMs) {
    return `the receiver was away (${causeOfLeaving(stay, troubles) ?? 'unexplained'})`;
  }
  const strikes = troubles.filter((trouble) => isAround(trouble, sentAt));
  if (strikes.some(({ clients }) => clients?.includes(stay.client))) return 'the receiver was slow';
  if (strikes.some(({ from, slot: killed }) => killed !== undefined && killed === slot && sentAt <= from)) {
    return 'the worker of the sender was killed';
  }
  const redis = strikes.find(({ kind }) => kind.startsWith('Redis'));
  if (!redis || slot === stay.slot) return undefined;
  return `${redis.kind}, ${slot === undefined ? 'from outside' : 'between workers'}`;
}

/** Which fault ended a connection; undefined where none did. */
export function causeOfLeaving(
  { client, slot, leftAt = Infinity }: Stay,
  troubles: readonly Trouble[],
): FaultKind | undefined {
  const begun = troubles.filter(({ from }) => from <= leftAt);
  const kill = begun.find((trouble) => trouble.slot === slot && leftAt <= trouble.to + bounds.noticeMs);
  const spell = begun.find(({ to, clients }) => clients?.includes(client) && leftAt <= to + bounds.recoveryMs);
  return (kill ?? spell)?.kind;
}

function isAround({ from, to }: Trouble, sentAt: number): boolean {
  return sentAt >= from - bounds.inFlightMs && sentAt <= to + bounds.recoveryMs;
}
