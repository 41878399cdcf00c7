import { Command, InvalidArgumentError } from 'commander';
import type { ChaosOptions } from './run.js';

const defaultSeconds = 600;

interface Given {
  readonly seed: number;
  readonly minutes?: number;
  readonly seconds?: number;
  readonly workers: number;
  readonly clients: number;
}

/** The command line; wrong input is refused with one sentence. */
export function chaosCommand(run: (options: ChaosOptions) => Promise<void>): Command {
  return new Command('npm run chaos --')
    .description(
      'Restarts and freezes Redis, cuts its connections, kills workers, publishes poison and has clients read slowly,\n' +
        'at random, under traffic with numbered messages. Prints what was lost and why; exits with 1 if anything\n' +
        'happened that must not. It needs redis-server.',
    )
    .option('--seed <number>', 'repeats the faults of a run', wholeNumber(0, 2 ** 31 - 1), Date.now() % 2 ** 31)
    .option('--minutes <number>', 'how long (default: 10)', wholeNumber(1, 60))
    .option('--seconds <number>', 'how long, instead of minutes', wholeNumber(10, 3_600))
    .option('--workers <number>', 'how many workers', wholeNumber(2, 16), 3)
    .option('--clients <number>', 'how many clients', wholeNumber(8, 500), 48)
    .allowExcessArguments(false)
    .exitOverride()
    .configureOutput({ outputError: (text, write) => write(text.replace(/^error: /, '')) })
    .action(async ({ minutes, seconds, ...options }: Given, self: Command) => {
      if (minutes !== undefined && seconds !== undefined) self.error('Give --minutes or --seconds, not both.');
      await run({ ...options, seconds: seconds ?? (minutes === undefined ? defaultSeconds : minutes * 60) });
    });
}

function wholeNumber(least: number, most: number) {
  return (text: string): number => {
    const number = Number(text);
    if (/^\d+$/.test(text) && number >= least && number <= most) return number;
    throw new InvalidArgumentError(`Expected a whole number from ${least} to ${most}.`);
  };
}
