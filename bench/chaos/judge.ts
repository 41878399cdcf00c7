import { causeOf, causeOfLeaving } from './cause.js';
import type { History, Stay, Stream, Trouble } from './history.js';
import type { FaultKind } from './schedule.js';

/** Messages in a row that one receiver did not get, for one cause; without a cause where none is known. */
export interface Gap {
  readonly stream: string;
  readonly receiver: string;
  readonly first: number;
  readonly last: number;
  /** When the first of them was sent. */
  readonly sentAt: number;
  readonly cause: string | undefined;
}

/** A message that a connection got once too often, or too late. */
export interface Irregularity {
  readonly stream: string;
  readonly receiver: string;
  readonly number: number;
}

export interface Verdict {
  readonly sent: number;
  readonly refused: number;
  /** How often a message should have been heard: each once by everyone in its audience. */
  readonly expected: number;
  readonly delivered: number;
  readonly gaps: readonly Gap[];
  readonly duplicated: readonly Irregularity[];
  readonly outOfOrder: readonly Irregularity[];
  /** Connections that ended although nothing was done to them. */
  readonly departures: readonly Stay[];
  /** How many connections ended because their client did not read. */
  readonly slowLetGo: number;
  /** Clients that are not back in their rooms. */
  readonly missing: readonly string[];
}

export function judge({ streams, stays, troubles }: History): Verdict {
  const counts = { sent: 0, refused: 0, expected: 0, delivered: 0 };
  const gaps: Gap[] = [];
  for (const stream of streams) {
    const refused = stream.messages.filter(({ fate }) => fate === 'refused').length;
    counts.sent += stream.messages.length;
    counts.refused += refused;
    for (const receiver of stream.audience) {
      const lost = gapsOf(stream, receiver, stays.get(receiver) ?? [], troubles);
      const expected = stream.messages.length - refused;
      counts.expected += expected;
      counts.delivered += expected - lost.reduce((sum, gap) => sum + sizeOf(gap), 0);
      gaps.push(...lost);
    }
  }
  const all = [...stays.values()].flat();
  const ended = all.filter(({ leftAt }) => leftAt !== undefined);
  const endedBy = (cause: FaultKind | undefined): Stay[] =>
    ended.filter((stay) => causeOfLeaving(stay, troubles) === cause);
  return {
    ...counts,
    gaps,
    duplicated: irregularities(all, 'duplicated'),
    outOfOrder: irregularities(all, 'outOfOrder'),
    departures: endedBy(undefined),
    slowLetGo: endedBy('slow clients').length,
    missing: [...stays].flatMap(([client, own]) => (isThere(own.at(-1)) ? [] : [client])),
  };
}

export function sizeOf({ first, last }: Gap): number {
  return last - first + 1;
}

function gapsOf(stream: Stream, receiver: string, stays: readonly Stay[], troubles: readonly Trouble[]): Gap[] {
  const heard = stays.flatMap((stay) => stay.heard.get(stream.name) ?? []);
  const gaps: Gap[] = [];
  for (const [index, message] of stream.messages.entries()) {
    const number = index + 1;
    if (message.fate === 'refused' || heard.some((received) => received.has(number))) continue;
    const cause = causeOf(stream, message, stays, troubles);
    const before = gaps.at(-1);
    if (before && before.last === index && before.cause === cause) gaps[gaps.length - 1] = { ...before, last: number };
    else gaps.push({ stream: stream.name, receiver, first: number, last: number, sentAt: message.sentAt, cause });
  }
  return gaps;
}

function irregularities(stays: readonly Stay[], which: 'duplicated' | 'outOfOrder'): Irregularity[] {
  return stays.flatMap(({ client: receiver, heard }) =>
    [...heard].flatMap(([stream, received]) => received[which].map((number) => ({ stream, receiver, number }))),
  );
}

function isThere(stay: Stay | undefined): boolean {
  return stay?.joinedAt !== undefined && stay.leftAt === undefined;
}
