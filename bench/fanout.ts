import { type ContestantName, contestants } from './fanout/contestants.js';
import {
  batchSizes,
  clientCounts,
  compared,
  cpuByClients,
  cpuName,
  fence,
  type Measure,
  saturating,
  type SessionPlan,
  sessionPlans,
  warmUp,
} from './fanout/plan.js';
import { otherShareOf, rowsOf, type Samples } from './fanout/rows.js';
import { type Sample, Session } from './fanout/session.js';
import { type Chart, drawLines } from './support/chart.js';
import { comparisonTable, ratiosOf, type Row } from './support/comparison.js';
import { type Cores, twoCores } from './support/cores.js';
import type { BenchOptions, Figures } from './support/figures.js';
import { readGoals } from './support/goals.js';
import { Progress } from './support/progress.js';
import { startRedis } from './support/redis.js';
import { conditions, writePicture, writeSamples, writeSection } from './support/report.js';
import { rotated } from './support/rotated.js';

const fullRounds = 5;
const names = Object.keys(contestants) as ContestantName[];

/** What it costs a worker to bring a message from Redis to each of its clients. */
export async function benchFanout({ rounds }: BenchOptions): Promise<Figures> {
  const goals = await readGoals();
  const cores = twoCores();
  const redis = await startRedis(cores?.served);
  try {
    const plans = sessionPlans(await halfOfStocksSaturation(redis.url, cores));
    const samples = await compare(plans, rounds ?? fullRounds, redis.url, cores);
    const measures = plans.flatMap((plan) => [...plan.measures, ...plan.withRooms]);
    const rows = rowsOf(measures, samples);
    const table = comparisonTable('fanout', names, rows, goals, 'busiest clients');
    process.stdout.write(`${table}\n`);
    if (rounds === undefined) {
      await writeSamples('fanout', samples);
      await writeSection('fanout', [
        await introduction(cores, otherShareOf(samples)),
        table,
        ...(await pictures(rows)),
      ]);
    }
    return ratiosOf(rows);
  } finally {
    await redis.stop();
  }
}

/** In messages published a second. */
async function halfOfStocksSaturation(redisUrl: string, cores: Cores | undefined): Promise<number> {
  process.stderr.write('fanout: looking for what saturates stock\n');
  const clients = 500;
  const session = await Session.open('stock', clients, redisUrl, cores);
  try {
    await session.run(warmUp);
    const { perSecond } = await session.measure(saturating);
    return perSecond / clients / 2;
  } finally {
    await session.close();
  }
}

async function compare(
  plans: readonly SessionPlan[],
  rounds: number,
  redisUrl: string,
  cores: Cores | undefined,
): Promise<Samples> {
  const samples: Record<string, Partial<Record<ContestantName, Sample[]>>> = {};
  const progress = new Progress('fanout', rounds * stepsIn(plans));
  for (let round = 0; round < rounds; round++) {
    for (const plan of plans) {
      for (const name of rotated(names, round).filter((contestant) => stepsFor(contestant, plan) > 0)) {
        const keep = async (measure: Measure, session: Session): Promise<void> => {
          progress.begin(`round ${round + 1} of ${rounds}, ${plan.clients} clients, ${name}: ${measure.name}`);
          ((samples[measure.name] ??= {})[name] ??= []).push(await session.measure(measure.workload));
        };
        await hold(name, plan, redisUrl, cores, keep);
      }
    }
  }
  return samples;
}

async function hold(
  name: ContestantName,
  { clients, measures, withRooms }: SessionPlan,
  redisUrl: string,
  cores: Cores | undefined,
  keep: (measure: Measure, session: Session) => Promise<void>,
): Promise<void> {
  const takesPart = (measure: Measure): boolean => measure.contestants.includes(name);
  const session = await Session.open(name, clients, redisUrl, cores);
  try {
    await session.run(warmUp);
    for (const measure of measures.filter(takesPart)) await keep(measure, session);
    const inRooms = withRooms.filter(takesPart);
    if (inRooms.length > 0) await session.join();
    for (const measure of inRooms) await keep(measure, session);
    // A message that came twice at the very end would be behind the last: it is there before these are.
    await session.run(fence);
  } catch (error) {
    throw new Error(`${name} with ${clients} clients has no figure: ${(error as Error).message}`, { cause: error });
  } finally {
    await session.close();
  }
}

function stepsIn(plans: readonly SessionPlan[]): number {
  return plans.reduce((sum, plan) => sum + names.reduce((steps, name) => steps + stepsFor(name, plan), 0), 0);
}

function stepsFor(name: ContestantName, { measures, withRooms }: SessionPlan): number {
  return [...measures, ...withRooms].filter((measure) => measure.contestants.includes(name)).length;
}

async function pictures(rows: readonly Row[]): Promise<string[]> {
  const up = 'worker’s CPU, µs per delivered message';
  const bySize: Chart = {
    title: 'Cost against batch size: 500 clients, 100 B',
    across: { name: 'messages published at a time', places: batchSizes.map(String) },
    up,
    lines: linesOf(
      rows,
      batchSizes.map((size) => cpuName('100 B', size)),
    ),
  };
  const byClients: Chart = {
    title: 'Cost against number of clients: 16 at a time, 100 B',
    across: { name: 'clients of one worker', places: clientCounts.map((count) => count.toLocaleString('en')) },
    up,
    lines: linesOf(rows, clientCounts.map(cpuByClients)),
  };
  return [
    await writePicture('fanout-batch-size', drawLines(bySize), bySize.title),
    await writePicture('fanout-clients', drawLines(byClients), byClients.title),
  ];
}

function linesOf(rows: readonly Row[], measures: readonly string[]) {
  return compared.map((name) => ({
    name,
    values: measures.map((measure) => rows.find((row) => row.name === measure)?.values[name]),
  }));
}

async function introduction(cores: Cores | undefined, otherShare: number): Promise<string> {
  const packages = ['socket.io', '@socket.io/redis-adapter', 'ioredis', 'ws', 'socketcluster-server'];
  const placed = cores
    ? 'The worker and Redis had one core, clients and publisher another.'
    : 'Nothing was bound to a core, since there are not two of them or no `taskset`: clients take time of the worker’s.';
  return (
    `\`npm run bench -- fanout\`, ${await conditions(packages)}. 500 clients where no other number is named. ${placed} ` +
    `Medians of ${fullRounds} rounds; latencies of all rounds together. Every client got every message once and in ` +
    `order. Redis and whatever else ran on the machine took ${Math.round(otherShare * 100)} % of a core.`
  );
}
