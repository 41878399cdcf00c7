import { describe, expect, it } from 'vitest';
import type { Verdict } from '../../../bench/chaos/judge.js';
import { faultsOf, isFlawless, type Outcome, reportOf } from '../../../bench/chaos/report.js';

const good: Verdict = {
  sent: 1_000,
  refused: 0,
  expected: 12_000,
  delivered: 12_000,
  gaps: [],
  duplicated: [],
  outOfOrder: [],
  departures: [],
  slowLetGo: 0,
  missing: [],
};

const gap = { stream: 'c1.1', receiver: 'c2', first: 3, last: 5, sentAt: 0 };
const irregular = { stream: 'c1.1', receiver: 'c2', number: 7 };
const asks = { asked: 900, refused: 0, cutOff: 2, unanswered: 0, slowestMs: 12 };

const outcome = (changes: Partial<Outcome> & { readonly found?: Partial<Verdict> } = {}): Outcome => ({
  seed: 7,
  seconds: 60,
  startedAt: 2_000,
  ranMs: 60_004,
  workers: 2,
  clients: 24,
  faults: { poison: 2 },
  verdict: { ...good, ...changes.found },
  asks,
  deaths: {},
  ending: 'exit code 0',
  longestSilenceMs: 740,
  longestAbsenceMs: 1_530,
  mostMemoryBytes: 100 * 2 ** 20,
  ...changes,
});

describe('the report of a run', () => {
  it('is flawless where all that must be 0 is', () => {
    expect(isFlawless(outcome())).toBe(true);
    expect(isFlawless(outcome({ found: { gaps: [{ ...gap, cause: 'Redis freeze' }] } }))).toBe(true);
  });

  it.each<[string, number, Parameters<typeof outcome>[0]]>([
    ['lost without a cause', 3, { found: { gaps: [{ ...gap, cause: undefined }] } }],
    ['duplicated', 1, { found: { duplicated: [irregular] } }],
    ['out of order', 1, { found: { outOfOrder: [irregular] } }],
    ['unanswered acknowledgements', 4, { asks: { ...asks, unanswered: 4 } }],
    ['processes that died of anything but our SIGKILL', 3, { deaths: { crashed: 2, primary: 1 } }],
    ['clients that did not come back', 1, { found: { missing: ['c1'] } }],
    ['endings other than exit code 0', 1, { ending: 'SIGKILL' }],
  ])('counts what is %s, and is not flawless', (name, count, changes) => {
    const run = outcome(changes);

    expect(faultsOf(run)).toMatchObject({ [name]: count });
    expect(isFlawless(run)).toBe(false);
    expect(reportOf(run)).toMatch(new RegExp(`^${name} +${count}  must be 0$`, 'm'));
  });

  it('tells the seed, the faults, the figures, and the causes with the most frequent first', () => {
    const gaps = [
      { ...gap, cause: 'Redis cut' },
      { ...gap, first: 10, last: 19, cause: 'Redis freeze' },
      { ...gap, first: 30, last: 30, cause: 'Redis cut' },
    ];
    const text = reportOf(outcome({ found: { delivered: 11_986, gaps } }));

    expect(text).toContain('chaos, seed 7: 60 of 60 s, 2 workers, 24 clients\nfaults: poison 2\n');
    expect(text).toMatch(/^delivered +11,986 {2}of 12,000/m);
    expect(text).toMatch(
      /^lost +14 {2}in 3 gaps:\n {2}Redis freeze +10 {2}in 1 gaps\n {2}Redis cut +4 {2}in 2 gaps\n/m,
    );
    expect(text).toMatch(/^longest silence of the heartbeat +740 ms$/m);
  });

  it('gives examples of what must not be, and says how many more there are', () => {
    const duplicated = Array.from({ length: 8 }, (_, index) => ({ ...irregular, number: index + 1 }));
    const text = reportOf(outcome({ found: { duplicated } }));

    expect(text).toContain('duplicated: c1.1 → c2, number 5\n… and 3 more\n');
    expect(text).not.toContain('number 6');
  });

  it('says when it happened, as the lines on the faults do', () => {
    const departed = { client: 'c3', slot: 2, joinedAt: 0, leftAt: 15_600, heard: new Map() };
    const text = reportOf(
      outcome({ found: { gaps: [{ ...gap, sentAt: 14_500, cause: undefined }], departures: [departed] } }),
    );

    expect(text).toContain('lost: c1.1 → c2, number 3 to 5, sent from 12.5 s on\n');
    expect(text).toContain('ended: a connection of c3 to worker 2, at 13.6 s\n');
  });
});
