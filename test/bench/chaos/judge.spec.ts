import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Stay, Stream } from '../../../bench/chaos/history.js';
import { judge } from '../../../bench/chaos/judge.js';
import { Ledger } from '../../../bench/chaos/ledger.js';

const clients = ['c1', 'c2', 'c3', 'c4'];
const messages = 30;
const stepMs = 1_000;

const planted = ['lost', 'duplicated', 'out of order', 'cut off', 'left', 'away for good'] as const;

const story = fc.record({
  /** By stream, who hears it. */
  audiences: fc.array(fc.uniqueArray(fc.constantFrom(...clients), { minLength: 1 }), { minLength: 1, maxLength: 4 }),
  /** Which stream each message belongs to. */
  script: fc.array(fc.nat(), { minLength: messages, maxLength: messages }),
  pick: fc.record({ stream: fc.nat(), receiver: fc.nat(), message: fc.nat() }),
});

describe('the judge', () => {
  it('finds nothing where everyone heard all of it once and in order', () => {
    fc.assert(
      fc.property(story, (told) => {
        const verdict = judge(play(told).ledger);

        expect(verdict).toMatchObject({ sent: messages, gaps: [], duplicated: [], outOfOrder: [], departures: [] });
        expect(verdict.delivered).toBe(verdict.expected);
        expect(verdict.missing).toEqual([]);
      }),
    );
  });

  it.each(planted)('finds one message or connection that is %s, and nothing else', (fault) => {
    fc.assert(
      fc.property(story, (told) => {
        const { ledger, struck } = play(told, fault);
        const { gaps, duplicated, outOfOrder, departures, missing, expected, delivered } = judge(ledger);
        const found = {
          gaps: gaps.map(({ stream, receiver, first, last, cause }) => ({ stream, receiver, first, last, cause })),
          duplicated,
          outOfOrder,
          departures: departures.map(({ client }) => client),
          missing,
          lost: expected - delivered,
        };

        expect(found).toEqual({ ...nothing, ...struck });
      }),
    );
  });

  it('joins what was lost in a row for one cause into one gap', () => {
    const { ledger, streams, stays } = begin([['c1']]);
    for (const number of [1, 2, 3, 4, 5, 6]) {
      ledger.send(streams[0]!).message.fate = number === 3 ? 'cut off' : 'taken';
      if (number === 6) ledger.hear(stays.get('c1')!, streams[0]!.name, number);
    }

    expect(judge(ledger).gaps.map(({ first, last, cause }) => [first, last, cause])).toEqual([
      [1, 2, undefined],
      [3, 3, 'the sender was cut off'],
      [4, 5, undefined],
    ]);
  });

  it('expects nobody to hear what was refused', () => {
    const { ledger, streams } = begin([['c1', 'c2']]);
    ledger.send(streams[0]!).message.fate = 'refused';

    expect(judge(ledger)).toMatchObject({ sent: 1, refused: 1, expected: 0, gaps: [] });
  });

  it('counts the connections that ended because their client did not read, and does not blame them', () => {
    const { ledger, stays } = begin([['c1']]);
    ledger.troubles.push({ kind: 'slow clients', from: 0, to: 1, clients: ['c1'] });
    ledger.leave(stays.get('c1')!);

    expect(judge(ledger)).toMatchObject({ slowLetGo: 1, departures: [], missing: ['c1'] });
  });

  it('takes a message that arrived on a later connection for delivered', () => {
    const { ledger, streams, stays } = begin([['c1']]);
    ledger.send(streams[0]!).message.fate = 'taken';
    ledger.leave(stays.get('c1')!);
    const again = ledger.arrive('c1', 1);
    ledger.join(again);
    ledger.hear(again, streams[0]!.name, 1);

    expect(judge(ledger)).toMatchObject({ delivered: 1, gaps: [], duplicated: [] });
  });
});

const nothing = { gaps: [], duplicated: [], outOfOrder: [], departures: [], missing: [], lost: 0 };

type Story = typeof story extends fc.Arbitrary<infer T> ? T : never;

/** All clients on worker 1, and streams that went through it. */
function begin(audiences: readonly (readonly string[])[]) {
  let now = 0;
  const ledger = new Ledger(() => now);
  const stays = new Map<string, Stay>();
  for (const client of clients) {
    ledger.enlist(client, 'always');
    stays.set(client, ledger.arrive(client, 1));
    ledger.join(stays.get(client)!);
  }
  const streams = audiences.map((audience, index) => ledger.open(`s${index}`, audience, 1));
  const pass = (): void => void (now += stepMs);
  return { ledger, stays, streams, pass };
}

/** Plays a story in which all goes well, but for the one fault; with what the judge should find. */
function play({ audiences, script, pick }: Story, fault?: (typeof planted)[number]) {
  const { ledger, stays, streams, pass } = begin(audiences);
  const told = script.map((choice) => streams[choice % streams.length]!);
  const stream = told[pick.stream % told.length]!;
  const receiver = stream.audience[pick.receiver % stream.audience.length]!;
  const length = told.filter((each) => each === stream).length;
  const first = fault === 'out of order' ? 1 : 0;
  const number = 1 + first + (length > first ? pick.message % (length - first) : 0);
  for (const each of told) {
    pass();
    const sent = ledger.send(each);
    sent.message.fate = 'taken';
    const isStruck = each === stream && sent.number === number;
    if (isStruck && fault === 'cut off') sent.message.fate = 'cut off';
    for (const client of each.audience) {
      const stay = stays.get(client)!;
      if (isStruck && client === receiver && (fault === 'lost' || fault === 'cut off')) continue;
      if (fault === 'out of order' && client === receiver && each === stream) {
        // It and the one before change places.
        if (sent.number === number - 1) continue;
        ledger.hear(stay, each.name, sent.number);
        if (isStruck) ledger.hear(stay, each.name, number - 1);
        continue;
      }
      ledger.hear(stay, each.name, sent.number);
      if (isStruck && client === receiver && fault === 'duplicated') ledger.hear(stay, each.name, number);
    }
  }
  for (let quiet = 0; quiet < 5; quiet++) pass();
  if (fault === 'left' || fault === 'away for good') ledger.leave(stays.get(receiver)!);
  if (fault === 'left') ledger.join(ledger.arrive(receiver, 1));
  return { ledger, struck: fault && findingOf(fault, stream, receiver, number, length) };
}

function findingOf(
  fault: (typeof planted)[number],
  { name: stream }: Stream,
  receiver: string,
  number: number,
  length: number,
) {
  const gap = { stream, receiver, first: number, last: number };
  switch (fault) {
    case 'lost':
      return { gaps: [{ ...gap, cause: undefined }], lost: 1 };
    case 'cut off':
      return { gaps: [{ ...gap, cause: 'the sender was cut off' }], lost: 1 };
    case 'duplicated':
      return { duplicated: [{ stream, receiver, number }] };
    case 'out of order':
      // A stream of one message has no order.
      return length < 2 ? {} : { outOfOrder: [{ stream, receiver, number: number - 1 }] };
    case 'left':
      return { departures: [receiver] };
    case 'away for good':
      return { departures: [receiver], missing: [receiver] };
  }
}
