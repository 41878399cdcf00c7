import { describe, expect, it } from 'vitest';
import { judge } from '../../../bench/chaos/judge.js';
import { Ledger } from '../../../bench/chaos/ledger.js';

describe('the ledger', () => {
  it('knows the longest silence of the heartbeat on any connection, from its beginning to its end', () => {
    const { ledger, at, arrive } = begin();
    const stay = arrive('c1');
    at(300);
    ledger.hearBeat(stay, 1);
    at(1_000);
    ledger.hearBeat(stay, 2);
    at(1_500);
    ledger.leave(stay);
    at(9_000);
    const again = arrive('c1');
    expect(ledger.longestSilenceMs).toBe(700);

    at(9_400);
    ledger.hearBeat(again, 20);
    at(10_500);
    ledger.close();
    expect(ledger.longestSilenceMs).toBe(1_100);
  });

  it('does not count the silence of a client that itself reads nothing', () => {
    const { ledger, at, arrive } = begin('now and then');
    const stay = arrive('c1');
    at(5_000);
    ledger.hearBeat(stay, 1);
    ledger.leave(stay);

    expect(ledger.longestSilenceMs).toBe(0);
  });

  it('knows the longest absence, until the client is in its rooms again', () => {
    const { ledger, at, arrive } = begin();
    const stay = arrive('c1');
    at(1_000);
    ledger.leave(stay);
    at(1_200);
    const tried = ledger.arrive('c1', 1);
    at(1_300);
    ledger.leave(tried);
    at(1_900);
    arrive('c1');

    expect(ledger.longestAbsenceMs).toBe(900);
  });

  it('has the judge find a beat that comes twice or backwards, but none that is missing', () => {
    const { ledger, arrive } = begin();
    const stay = arrive('c1');
    for (const sequence of [1_000, 1_001, 1_005, 1_005, 1_003]) ledger.hearBeat(stay, sequence);

    expect(judge(ledger)).toMatchObject({
      gaps: [],
      duplicated: [{ stream: 'heartbeat', receiver: 'c1', number: 1_005 }],
      outOfOrder: [{ stream: 'heartbeat', receiver: 'c1', number: 1_003 }],
    });
  });

  it('takes no notice of a stream that nobody opened', () => {
    const { ledger, arrive } = begin();
    const stay = arrive('c1');
    ledger.hear(stay, 'poison', 1);
    ledger.hear(stay, 'poison', 1);

    expect(judge(ledger)).toMatchObject({ delivered: 0, duplicated: [] });
  });
});

function begin(reads: 'always' | 'now and then' = 'always') {
  let now = 0;
  const ledger = new Ledger(() => now);
  ledger.enlist('c1', reads);
  return {
    ledger,
    at: (ms: number): void => void (now = ms),
    arrive: (client: string) => {
      const stay = ledger.arrive(client, 1);
      ledger.join(stay);
      return stay;
    },
  };
}
