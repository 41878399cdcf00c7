import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { TwoWays } from '../../src/carrier/two-ways.js';

describe('what comes by two ways in one turn', () => {
  it('is in order as the local way takes over: what came through Redis was said before', async () => {
    const { ways, heard } = join();

    ways.take('local', 'news', Buffer.from('2'));
    ways.take('remote', 'news', Buffer.from('1'));
    await turn();

    expect(heard).toEqual(['1', '2']);
  });

  it('is in order as Redis takes over again: what came by the local way was said before', async () => {
    const { ways, heard } = join();
    ways.take('local', 'news', Buffer.from('1'));
    await turn();

    ways.take('remote', 'news', Buffer.from('3'));
    ways.take('local', 'news', Buffer.from('2'));
    await turn();

    expect(heard).toEqual(['1', '2', '3']);
  });

  it('is delivered at once while one way is used alone', () => {
    const { ways, heard } = join();

    ways.take('remote', 'news', Buffer.from('1'));

    expect(heard).toEqual(['1']);
  });

  it('is delivered at once again some time after the last of the local way', async () => {
    const { ways, heard, clock } = join();
    ways.take('local', 'news', Buffer.from('1'));
    await turn();
    clock.now += 3_000;

    ways.take('remote', 'news', Buffer.from('2'));

    expect(heard).toEqual(['1', '2']);
  });
});

function join() {
  const heard: string[] = [];
  const clock = { now: 0 };
  const ways = new TwoWays(
    (_, message) => heard.push(message.toString()),
    () => clock.now,
  );
  return { ways, heard, clock };
}
