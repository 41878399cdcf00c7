import { describe, expect, it } from 'vitest';
import { chooseDropped, type Droppable, type Waiting } from '../../src/delivery/droppable.js';

describe('of what waits for a client', () => {
  it('nothing is dropped while nothing has to go', () => {
    expect(dropped([oldest(1), latest('a', 2), latest('a', 3)], 0)).toEqual([]);
  });

  it('the oldest go, as many as needed', () => {
    expect(dropped([oldest(1), oldest(2), oldest(3)], 150)).toEqual([1, 2]);
  });

  it('what must not be dropped stays, wherever it is', () => {
    expect(dropped([needed(), oldest(1), needed(), oldest(2), needed()], 1_000)).toEqual([1, 2]);
  });

  it('all but the newest of each topic go, where the latest is wanted', () => {
    const waiting = [latest('a', 1), latest('b', 2), latest('a', 3), latest('b', 4), latest('a', 5)];

    expect(dropped(waiting, 1)).toEqual([1, 2, 3]);
  });

  it('what a later message says better goes before the oldest of others', () => {
    expect(dropped([oldest(1), latest('a', 2), latest('a', 3)], 100)).toEqual([2]);
    expect(dropped([oldest(1), latest('a', 2), latest('a', 3)], 101)).toEqual([1, 2]);
  });

  it('a message goes or stays with all of its parts', () => {
    const whole = oldest(1);

    expect(dropped([whole, whole, whole, oldest(2)], 50)).toEqual([1]);
    expect(dropped([latest('a', 1), latest('a', 2), latest('a', 2)].map(shareMessages()), 1)).toEqual([1]);
  });

  it('what is too old goes although nothing else has to', () => {
    expect(dropped([oldest(1), oldest(2), oldest(3)], 0, 3)).toEqual([1, 2]);
  });

  it('the newest of a topic stays, however old it is', () => {
    expect(dropped([latest('a', 1), latest('a', 2), latest('b', 3)], 0, 10)).toEqual([1]);
  });
});

/** When they were sent, which names them. */
function dropped(waiting: readonly Waiting[], bytes: number, sentBefore = -Infinity): number[] {
  return [...chooseDropped(waiting, bytes, sentBefore)]
    .map(({ sentAt }) => sentAt)
    .toSorted((one, other) => one - other);
}

function oldest(sentAt: number): Waiting {
  return { droppable: { policy: 'drop-oldest', topic: 'any', sentAt }, length: 100 };
}

function latest(topic: string, sentAt: number): Waiting {
  return { droppable: { policy: 'latest', topic, sentAt }, length: 100 };
}

function needed(): Waiting {
  return { droppable: undefined, length: 100 };
}

/** What was sent at one time is one message. */
function shareMessages(): (waiting: Waiting) => Waiting {
  const known = new Map<number, Droppable>();
  return ({ droppable, length }) => {
    const message = known.get(droppable!.sentAt) ?? droppable!;
    known.set(message.sentAt, message);
    return { droppable: message, length };
  };
}
