import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { Unanswered } from '../../src/adapter/unanswered.js';

describe('a connection', () => {
  it('that is owed nothing is settled', async () => {
    await expect(new Unanswered().settled({})).resolves.toBeUndefined();
  });

  it('is settled once it has got the last of its acknowledgements', async () => {
    const { unanswered, connection, settled } = owe(2);
    const wait = settled();

    unanswered.pay(connection);
    await turn();
    expect(wait.over).toBe(false);
    unanswered.pay(connection);

    await wait.promise;
  });

  it('is settled for all who wait for it', async () => {
    const { unanswered, connection, settled } = owe(1);
    const waits = [settled(), settled(), settled()];

    unanswered.pay(connection);

    await Promise.all(waits.map(({ promise }) => promise));
    expect(waits.map(({ over }) => over)).toEqual([true, true, true]);
  });

  it('waits for what it came to be owed meanwhile', async () => {
    const { unanswered, connection, settled } = owe(1);
    const wait = settled();

    unanswered.owe(connection);
    unanswered.pay(connection);
    await turn();
    expect(wait.over).toBe(false);
    unanswered.pay(connection);

    await wait.promise;
  });

  it('can be owed again after it was settled', async () => {
    const { unanswered, connection, settled } = owe(1);
    unanswered.pay(connection);
    unanswered.owe(connection);
    const wait = settled();

    await turn();
    expect(wait.over).toBe(false);
    unanswered.pay(connection);

    await wait.promise;
  });

  it('does not wait for what others are owed', async () => {
    const { unanswered } = owe(1);

    await expect(unanswered.settled({})).resolves.toBeUndefined();
  });

  it('that gets more than it was owed is settled, and owes nothing itself', async () => {
    const { unanswered, connection, settled } = owe(1);
    unanswered.pay(connection);
    unanswered.pay(connection);
    unanswered.owe(connection);
    const wait = settled();

    await turn();

    expect(wait.over).toBe(false);
    unanswered.pay(connection);
    await wait.promise;
  });
});

function owe(count: number) {
  const unanswered = new Unanswered();
  const connection = {};
  for (let index = 0; index < count; index++) unanswered.owe(connection);
  const settled = () => {
    const wait = { over: false, promise: unanswered.settled(connection) };
    void wait.promise.then(() => (wait.over = true));
    return wait;
  };
  return { unanswered, connection, settled };
}
