import { setTimeout as elapsed } from 'node:timers/promises';
import { describeFault, type Scene, strike } from './faults.js';
import { judge } from './judge.js';
import { Ledger } from './ledger.js';
import { ChaosProgram } from './program.js';
import { ChaosRedis } from './redis.js';
import { isFlawless, type Outcome } from './report.js';
import { scheduleOf } from './schedule.js';
import { Traffic } from './traffic.js';

export interface ChaosOptions {
  readonly seed: number;
  readonly seconds: number;
  readonly workers: number;
  readonly clients: number;
}

/** How long what was sent last may take. */
const settleMs = 3_000;

/**
 * Breaks what can be broken while clients talk, and tells what came of it.
 *
 * `signal` ends it early, with what there is. Nothing is left behind in any case.
 */
export async function runChaos(
  options: ChaosOptions,
  signal: AbortSignal,
  say: (line: string) => void,
): Promise<Outcome> {
  const redis = await ChaosRedis.start();
  try {
    const program = await ChaosProgram.start(options.workers, redis.url);
    let isGood = false;
    try {
      const outcome = await runWith(options, redis, program, signal, say);
      isGood = isFlawless(outcome);
      return outcome;
    } finally {
      await program.stop();
      await program.close(!isGood);
      if (!isGood) say(`what the program said: ${program.logFile}`);
    }
  } finally {
    await redis.stop();
  }
}

async function runWith(
  options: ChaosOptions,
  redis: ChaosRedis,
  program: ChaosProgram,
  signal: AbortSignal,
  say: (line: string) => void,
): Promise<Outcome> {
  const ledger = new Ledger();
  const { url, key } = program;
  const traffic = await Traffic.start({ url, redis: { url: redis.url, key }, clients: options.clients, ledger });
  try {
    const startedAt = performance.now();
    const faults = await breakThings({ redis, program, traffic }, ledger, options, signal, say);
    const ranMs = performance.now() - startedAt;
    await traffic.stop(() => program.hasEnded);
    await elapsed(settleMs);
    await program.untilWhole();
    ledger.close();
    const verdict = judge(ledger);
    const deaths = program.deaths();
    traffic.close();
    const ending = await program.stop();
    const { longestSilenceMs, longestAbsenceMs } = ledger;
    const figures = { longestSilenceMs, longestAbsenceMs, mostMemoryBytes: program.mostMemoryBytes };
    return { ...options, startedAt, ranMs, faults, verdict, asks: traffic.asks, deaths, ending, ...figures };
  } finally {
    traffic.close();
  }
}

/**
 * Resolves when the time is over, or earlier when it is ended or the program dies, with how often each kind of fault
 * struck. All of them are over then.
 */
async function breakThings(
  scene: Scene,
  ledger: Ledger,
  { seed, seconds }: ChaosOptions,
  signal: AbortSignal,
  say: (line: string) => void,
): Promise<Record<string, number>> {
  const over = new AbortController();
  const ended = AbortSignal.any([signal, over.signal]);
  void scene.program.exited.then(() => over.abort());
  const startedAt = performance.now();
  const until = async (ms: number): Promise<void> => {
    const leftMs = Math.max(0, ms - (performance.now() - startedAt));
    await elapsed(leftMs, undefined, { signal: ended }).catch(() => {});
  };
  const struck: Record<string, number> = {};
  const strikes: Promise<unknown>[] = [];
  const failures: unknown[] = [];
  for (const { atMs, fault } of scheduleOf(seed, seconds * 1_000)) {
    await until(atMs);
    if (ended.aborted) break;
    struck[fault.kind] = (struck[fault.kind] ?? 0) + 1;
    const striking = strike(fault, scene, ended).then((trouble) => ledger.troubles.push(trouble));
    strikes.push(
      striking.catch((error: unknown) => {
        failures.push(error);
        over.abort();
      }),
    );
    const soFar = `${(atMs / 1_000).toFixed(1)} of ${seconds} s, ${ledger.sent} sent, ${ledger.heard} heard`;
    say(`${soFar}: ${describeFault(fault)}`);
  }
  await until(seconds * 1_000);
  await Promise.all(strikes);
  // What fails because the program has died is told by its death.
  if (failures.length > 0 && !scene.program.hasEnded) throw failures[0];
  return struck;
}
