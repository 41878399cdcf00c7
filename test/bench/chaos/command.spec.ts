import { describe, expect, it } from 'vitest';
import { chaosCommand } from '../../../bench/chaos/command.js';
import type { ChaosOptions } from '../../../bench/chaos/run.js';

describe('npm run chaos', () => {
  it('takes ten minutes, three workers and 48 clients, and a seed of its own', async () => {
    const { options } = await given();

    expect(options).toMatchObject({ seconds: 600, workers: 3, clients: 48 });
    expect(Number.isSafeInteger(options!.seed)).toBe(true);
  });

  it.each([
    [['--minutes', '2'], { seconds: 120 }],
    [['--seconds', '60', '--seed', '7'], { seconds: 60, seed: 7 }],
    [['--workers', '4', '--clients', '100'], { workers: 4, clients: 100 }],
  ])('takes %j', async (args, expected) => {
    expect((await given(...args)).options).toMatchObject(expected);
  });

  it.each([
    [['--seed', 'x'], 'Expected a whole number from 0 to 2147483647.'],
    [['--seconds', '5'], 'Expected a whole number from 10 to 3600.'],
    [['--minutes', '1', '--seconds', '60'], 'Give --minutes or --seconds, not both.'],
    [['--workers', '1'], 'Expected a whole number from 2 to 16.'],
    [['--clients'], "option '--clients <number>' argument missing"],
    [['everything'], 'too many arguments. Expected 0 arguments but got 1.'],
    [['--fast'], "unknown option '--fast'"],
  ])('refuses %j in one sentence, and breaks nothing', async (args, sentence) => {
    const { options, refusal } = await given(...args);

    expect(options).toBeUndefined();
    expect(refusal.trim().split('\n')).toHaveLength(1);
    expect(refusal).toContain(sentence);
  });
});

async function given(...args: string[]) {
  let options: ChaosOptions | undefined;
  let refusal = '';
  const command = chaosCommand(async (parsed) => void (options = parsed));
  command.configureOutput({ writeErr: (text) => void (refusal += text) });
  await command.parseAsync(args, { from: 'user' }).catch(() => {});
  return { options, refusal };
}
