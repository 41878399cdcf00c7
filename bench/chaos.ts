import { CommanderError } from 'commander';
import { chaosCommand } from './chaos/command.js';
import { isFlawless, reportOf } from './chaos/report.js';
import { type ChaosOptions, runChaos } from './chaos/run.js';

const exitCodes = { flawed: 1, usage: 2 } as const;

const say = (line: string): void => void process.stderr.write(`${line}\n`);

async function run(options: ChaosOptions): Promise<void> {
  const interrupted = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => interrupted.abort());
  say(`chaos for ${options.seconds} s, seed ${options.seed}; Ctrl-C ends it early, with what there is`);
  const outcome = await runChaos(options, interrupted.signal, say);
  process.stdout.write(reportOf(outcome));
  if (!isFlawless(outcome)) process.exitCode = exitCodes.flawed;
}

try {
  await chaosCommand(run).parseAsync();
} catch (error) {
  if (!(error instanceof CommanderError)) throw error;
  process.exitCode = error.exitCode === 0 ? 0 : exitCodes.usage;
}
