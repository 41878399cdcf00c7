import { Command, CommanderError, InvalidArgumentError } from 'commander';
import { benchAccept } from './accept.js';
import { benchConnect } from './connect.js';
import { benchDeploy } from './deploy.js';
import { benchFanout } from './fanout.js';
import { benchGateway } from './gateway.js';
import { benchHeartbeat } from './heartbeat.js';
import { benchJitter } from './jitter.js';
import { benchRoutes } from './routes.js';
import { benchStart } from './start.js';
import type { Bench, BenchOptions, Figures } from './support/figures.js';
import { readGoals, shortfalls } from './support/goals.js';

const exitCodes = { fellShort: 1, usage: 2 } as const;

const benches: Readonly<Record<string, Bench>> = {
  start: benchStart,
  jitter: benchJitter,
  deploy: benchDeploy,
  accept: benchAccept,
  connect: benchConnect,
  gateway: benchGateway,
  fanout: benchFanout,
  routes: benchRoutes,
  heartbeat: benchHeartbeat,
};

function command(): Command {
  return new Command('npm run bench --')
    .description(
      'Measures this program beside others, and writes what it saw to bench/README.md and bench/results.\n' +
        `The benches are ${Object.keys(benches).join(', ')}.`,
    )
    .argument('[names...]', 'the benches to run; all when none is named')
    .option('--check', `exit with ${exitCodes.fellShort} and name the goals of bench/goals.json that fall short`)
    .option('--rounds <number>', 'how often everything is measured: 1 for a quick look that is not to be kept', rounds)
    .exitOverride()
    .configureOutput({ outputError: (text, write) => write(text.replace(/^error: /, '')) })
    .action(run);
}

async function run(names: readonly string[], { check = false, rounds: times }: Options, self: Command): Promise<void> {
  const unknown = names.find((name) => !Object.hasOwn(benches, name));
  if (unknown !== undefined) {
    self.error(`There is no bench "${unknown}": choose from ${Object.keys(benches).join(', ')}, or name none for all.`);
  }
  const goals = await readGoals();
  const isWanted = (name: string): boolean => names.length === 0 || names.includes(name);
  const measured = new Map<string, Figures>();
  for (const [name, bench] of Object.entries(benches)) {
    if (isWanted(name)) measured.set(name, await bench({ rounds: times }));
  }
  if (!check) return;
  const missed = shortfalls(
    goals.filter(({ bench }) => isWanted(bench)),
    measured,
  );
  for (const line of missed) process.stderr.write(`${line}\n`);
  if (missed.length > 0) process.exitCode = exitCodes.fellShort;
}

interface Options extends BenchOptions {
  readonly check?: boolean;
}

function rounds(text: string): number {
  if (/^[1-9]\d?$/.test(text)) return Number(text);
  throw new InvalidArgumentError('Expected a whole number from 1 to 99.');
}

try {
  await command().parseAsync();
} catch (error) {
  if (!(error instanceof CommanderError)) throw error;
  process.exitCode = error.exitCode === 0 ? 0 : exitCodes.usage;
}
