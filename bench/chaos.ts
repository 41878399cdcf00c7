import { Command, CommanderError, InvalidArgumentError } from 'commander';
import { reportOf, isFlawless } from './chaos/report.js';
import { runChaos } from './chaos/run.js';

const exitCodes = { fellShort: 1, usage: 2 } as const;

interface Options {
  readonly seed: number;
  readonly minutes?: number;
  readonly seconds?: number;
  readonly workers: number;
  readonly clients: number;
}

function command(): Command {
  return new Command('npm run chaos --')
    .description(
      'Restarts and freezes Redis, kills workers, publishes poison and lets clients read slowly, at random, under\n' +
        'traffic with numbered messages; prints what was lost and why, and what must not have happened.',
    )
    .option('--seed <number>', 'repeats the faults of a run', wholeNumber(0, 2 ** 31 - 1), Date.now() % 2 ** 31)
    .option('--minutes <number>', 'how long (default: 10)', wholeNumber(1, 60))
    .option('--seconds <number>', 'how long, instead of minutes', wholeNumber(10, 3_600))
    .option('--workers <number>', 'how many workers', wholeNumber(1, 16), 3)
    .option('--clients <number>', 'how many clients', wholeNumber(8, 500), 48)
    .allowExcessArguments(false)
    .exitOverride()
    .configureOutput({ outputError: (text, write) => write(text.replace(/^error: /, '')) })
    .action(run);
}

async function run({ seed, minutes, seconds, workers, clients }: Options, self: Command): Promise<void> {
  if (minutes !== undefined && seconds !== undefined) self.error('Give either --minutes or --seconds, not both.');
  const interrupted = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => interrupted.abort());
  const length = seconds ?? (minutes ?? 10) * 60;
  process.stderr.write(`chaos: ${length} s, seed ${seed}; Ctrl-C ends it early and tells what there is\n`);
  const outcome = await runChaos({ seed, seconds: length, workers, clients }, interrupted.signal, (line) =>
    process.stderr.write(`${line}\n`),
  );
  process.stdout.write(reportOf(outcome));
  if (!isFlawless(outcome)) process.exitCode = exitCodes.fellShort;
}

function wholeNumber(least: number, most: number) {
  return (text: string): number => {
    const number = Number(text);
    if (/^\d+$/.test(text) && number >= least && number <= most) return number;
    throw new InvalidArgumentError(`Expected a whole number from ${least} to ${most}.`);
  };
}

try {
  await command().parseAsync();
} catch (error) {
  if (!(error instanceof CommanderError)) throw error;
  process.exitCode = error.exitCode === 0 ? 0 : exitCodes.usage;
}
