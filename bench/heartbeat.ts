import path from 'node:path';
import { setTimeout as elapsed } from 'node:timers/promises';
import { randomUUID } from 'node:crypto';
import { Emitter } from '@socket.io/redis-emitter';
import { Redis } from 'ioredis';
import type { ListenerCommand, ListenerNews } from './heartbeat/listener-process.js';
import { end, news, start } from './support/children.js';
import { comparisonTable, ratiosOf, type Row } from './support/comparison.js';
import { cpuOf } from './support/cpu.js';
import type { BenchOptions, Figures } from './support/figures.js';
import { readGoals } from './support/goals.js';
import { startProgram } from './support/program.js';
import { startRedis } from './support/redis.js';
import { conditions, writeSamples, writeSection } from './support/report.js';
import { rotated } from './support/rotated.js';
import { quantile } from './support/statistics.js';

const fullRounds = 3;
const workers = 4;
const clients = 1_000;
const intervalMs = 100;
const measuredMs = 10_000;
const settleMs = 2_000;
const loadPerSecond = 100;
const loadText = 'x'.repeat(100);
const jobs = 100;

/** A beat's way is measured in milliseconds from the time that it carries. */
const contestants = {
  setInterval: { file: path.join('dist', 'bench', 'heartbeat', 'rival.cluster.js') },
  ours: { file: path.join('dist', 'main.cluster.js') },
};
type Contestant = keyof typeof contestants;
const names = Object.keys(contestants) as Contestant[];

const loads = ['idle', 'under load'] as const;
type Load = (typeof loads)[number];
type Samples = Record<Load, Record<Contestant, number[]>>;

/** How long a beat takes from the leader's tick to each client, beside what everybody writes by hand. */
export async function benchHeartbeat({ rounds }: BenchOptions): Promise<Figures> {
  const goals = await readGoals();
  const redis = await startRedis();
  try {
    const samples: Samples = { idle: { setInterval: [], ours: [] }, 'under load': { setInterval: [], ours: [] } };
    for (let round = 0; round < (rounds ?? fullRounds); round++) {
      for (const name of rotated(names, round)) await measure(name, redis.url, samples);
    }
    const rows = rowsOf(samples);
    const table = comparisonTable('heartbeat', names, rows, goals);
    const cpu = await cpuOfJobs(redis.url);
    const sentence = `${jobs} jobs a second, each claimed in Redis, took ${cpu.toFixed(1)} % of a core in the leader.`;
    process.stdout.write(`${table}\n${sentence}\n`);
    if (rounds === undefined) {
      await writeSamples('heartbeat', summaryOf(samples));
      await writeSection('heartbeat', [await introduction(), table, sentence]);
    }
    return { ...ratiosOf(rows), [`CPU of the leader for ${jobs} jobs a second, % of a core`]: cpu };
  } finally {
    await redis.stop();
  }
}

async function measure(name: Contestant, redisUrl: string, samples: Samples): Promise<void> {
  const key = randomUUID();
  const env = { WORKERS: `${workers}`, HEARTBEAT_INTERVAL_MS: `${intervalMs}`, REDIS_URL: redisUrl, REDIS_KEY: key };
  const program = await startProgram(env, contestants[name]);
  const listeners = start(path.join(import.meta.dirname, 'heartbeat', 'listener-process.js'));
  const tell = (command: ListenerCommand): void => void listeners.send(command);
  const publisher = new Redis(redisUrl);
  try {
    const connected = news(listeners, 'connected');
    tell({ type: 'connect', url: program.url, clients });
    await connected;
    for (const load of loads) {
      process.stderr.write(`heartbeat: ${name}, ${load}\n`);
      const emitter = new Emitter(publisher, { key });
      const loading =
        load === 'under load' ? setInterval(() => emitter.emit('noise', loadText), 1_000 / loadPerSecond) : undefined;
      await elapsed(settleMs);
      const begun = news(listeners, 'begun');
      tell({ type: 'begin' });
      await begun;
      await elapsed(measuredMs);
      const ended = news<Extract<ListenerNews, { type: 'ended' }>>(listeners, 'ended');
      tell({ type: 'end' });
      samples[load][name].push(...(await ended).latencies);
      clearInterval(loading);
    }
  } finally {
    publisher.disconnect();
    await end(listeners, 'SIGKILL');
    await program.stop();
  }
}

function rowsOf(samples: Samples): Row[] {
  return loads.flatMap((load) =>
    [0.5, 0.99, 0.999].map((share) => ({
      name: `p${share * 100} from tick to receipt, ${load}`,
      values: Object.fromEntries(names.map((name) => [name, quantile(samples[load][name], share)])),
      print: (ms: number) => `${ms.toFixed(1)} ms`,
    })),
  );
}

function histogram(latencies: readonly number[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const ms of latencies) counts[ms.toFixed(1)] = (counts[ms.toFixed(1)] ?? 0) + 1;
  return counts;
}

/** A million latencies are no file to keep: each by its tenth of a millisecond. */
function summaryOf(samples: Samples) {
  return Object.fromEntries(
    loads.map((load) => [load, Object.fromEntries(names.map((name) => [name, histogram(samples[load][name])]))]),
  );
}

/** What the primary takes with the jobs, less what it takes without, in per cent of a core. */
async function cpuOfJobs(redisUrl: string): Promise<number> {
  const shares: number[] = [];
  for (const count of [0, jobs]) {
    const env = { WORKERS: '1', JOBS: `${count}`, REDIS_URL: redisUrl, HEARTBEAT_INTERVAL_MS: '1000' };
    const file = path.join('dist', 'bench', 'heartbeat', 'jobs.cluster.js');
    const program = await startProgram(env, { file });
    await elapsed(settleMs);
    const before = await cpuOf(program.process.pid!);
    await elapsed(measuredMs);
    const after = await cpuOf(program.process.pid!);
    shares.push(((after.primary - before.primary) / measuredMs) * 100);
    await program.stop();
  }
  return shares[1]! - shares[0]!;
}

async function introduction(): Promise<string> {
  return (
    `\`npm run bench -- heartbeat\`, ${await conditions(['socket.io', '@socket.io/redis-adapter', '@socket.io/redis-emitter'])}. ` +
    `${clients} clients on ${workers} workers, a beat every ${intervalMs} ms; under load ${loadPerSecond} broadcasts of 100 B a second ` +
    `to all. \`setInterval\`: Socket.IO with the official adapter in each worker, and the official emitter in a timer of ` +
    `the primary. ${fullRounds} rounds of ${measuredMs / 1_000} s, latencies of all rounds together; servers, Redis and clients ` +
    `share the cores. The time in a beat is in whole milliseconds for both.`
  );
}
