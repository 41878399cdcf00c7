import { describe, expect, it } from 'vitest';
import { Poll, type Sight } from '../../src/adapter/poll.js';

const known = ['a', 'b', 'c'].map((tag) => [tag, `worker ${tag}`] as const);

const tags = known.map(([tag]) => tag);

const sight = (present: number, alive: readonly string[], newcomers: readonly string[] = []): Sight => ({
  present,
  asked: new Set([...tags, ...newcomers]),
  alive: new Set([...alive, ...newcomers]),
  newcomers: new Set(newcomers),
});

describe('a poll', () => {
  it('is not over before it is known how many there are', () => {
    const poll = new Poll();
    for (const tag of ['a', 'b', 'c']) poll.take(tag);

    expect(poll.isOver).toBe(false);
    expect(poll.absent(known)).toMatchObject({ count: Infinity, answers: 3 });
  });

  it('is over at once where nobody else is there', () => {
    expect(expecting(1).isOver).toBe(true);
  });

  it('is over with the last answer, with or without a name', () => {
    const poll = expecting(3);
    poll.take('a');
    expect(poll.isOver).toBe(false);
    poll.take(undefined);

    expect(poll.isOver).toBe(true);
    expect(poll.absent(known)).toEqual({ count: 0, names: [], answers: 2 });
  });

  it('counts two answers of one process as one', () => {
    const poll = expecting(3);
    for (const tag of ['a', 'a']) poll.take(tag);

    expect(poll.isOver).toBe(false);
  });

  it('does not wait for who is gone', () => {
    const poll = expecting(4);
    for (const tag of ['a', 'b']) poll.take(tag);
    poll.see(sight(3, ['a', 'b']));

    expect(poll.isOver).toBe(true);
  });

  it('still waits for who is there when somebody is gone that had answered', () => {
    const poll = expecting(4);
    for (const tag of ['a', 'b']) poll.take(tag);
    poll.see(sight(3, ['a', 'c']));

    expect(poll.isOver).toBe(false);
    expect(poll.absent(known)).toEqual({ count: 1, names: ['worker c'], answers: 2 });
  });

  it('does not wait for who came in the place of who is gone', () => {
    const poll = expecting(3);
    poll.take('a');
    poll.see(sight(3, ['a', 'b']));
    expect(poll.isOver).toBe(false);
    poll.see(sight(3, ['a'], ['new']));

    expect(poll.isOver).toBe(true);
  });

  it('waits for who was counted, but said its name only after the request', () => {
    const poll = expecting(3);
    poll.take('a');
    poll.see(sight(3, ['a']));
    expect(poll.isOver).toBe(false);
    poll.see(sight(3, ['a'], ['b']));

    expect(poll.isOver).toBe(false);
    expect(poll.absent(known)).toMatchObject({ count: 1, names: ['worker b'] });
  });

  it('is not misled by who had died before the request, and is still known', () => {
    const poll = expecting(3);
    poll.take('a');
    poll.see(sight(3, ['a', 'b']));

    expect(poll.isOver).toBe(false);
    expect(poll.absent(known)).toMatchObject({ count: 1, names: ['worker b'] });
  });

  it('remembers who is gone when nobody asks for him any more', () => {
    const poll = expecting(3);
    poll.take('a');
    poll.see(sight(3, ['a', 'b']));
    poll.see({ ...sight(3, ['a'], ['new']), asked: new Set(['a', 'b', 'new']) });
    poll.see({ ...sight(3, ['a'], ['new']), asked: new Set(['a', 'new']) });

    expect(poll.isOver).toBe(true);
  });

  it('takes nobody for gone that it has not looked for', () => {
    const poll = expecting(3);
    poll.see(sight(3, ['a']));

    expect([poll.isGone('a'), poll.isGone('b'), poll.isGone('unknown')]).toEqual([false, true, false]);
  });

  it('waits for official nodes as long as they are there', () => {
    const poll = expecting(3);
    poll.take('a');
    poll.see(sight(3, ['a']));
    expect(poll.isOver).toBe(false);
    poll.see(sight(2, ['a']));

    expect(poll.isOver).toBe(true);
  });

  it('names all who could be missing where nobody has looked, and of others says how many', () => {
    const poll = expecting(5);
    poll.take('a');

    expect(poll.absent(known)).toEqual({ count: 3, names: ['worker b', 'worker c'], answers: 1 });
  });
});

function expecting(present: number): Poll {
  const poll = new Poll();
  poll.expect(present);
  return poll;
}
