import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as elapsed } from 'node:timers/promises';
import { ClientFleet, type FleetReport } from './support/client-fleet.js';
import { ask, statusOf } from './support/control.js';
import type { Figures } from './support/figures.js';
import { startProgram } from './support/program.js';
import { median, quantile } from './support/statistics.js';

const clients = 5_000;
const workers = 4;

/** How long clients that have not come back are waited for. */
const longestReturnMs = 60_000;

/**
 * How long each of 5,000 clients is away when new code is deployed: by a phased restart, and by stopping the cluster
 * and starting it again.
 */
export async function benchDeploy(): Promise<Figures> {
  const folder = await mkdtemp(path.join(tmpdir(), 'bench-'));
  const control = path.join(folder, 'control.sock');
  const env = { WORKERS: `${workers}`, CONTROL_SOCKET: control };
  try {
    const restart = await measurePhasedRestart(control, env);
    await measureHardStop(env);
    return { ...restart, ...(await measureReplacement(control, env)) };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function measurePhasedRestart(control: string, env: NodeJS.ProcessEnv): Promise<Figures> {
  const program = await startProgram(env);
  const fleet = await ClientFleet.connect(program.url, clients);
  const watch = watchLoops(control);
  const startedAt = performance.now();
  await ask(control, { command: 'reload' });
  const tookMs = performance.now() - startedAt;
  const report = await whenAllAreBack(fleet, 1);
  const blockedMs = await watch.stop();
  await fleet.stop();
  await program.stop();

  print(`phased restart of ${workers} workers (${(tookMs / 1_000).toFixed(1)} s)`, report);
  process.stdout.write(
    `  longest block of a worker's event loop while clients came back: ${blockedMs.toFixed(0)} ms\n`,
  );
  return { 'longest block of a worker’s event loop while clients came back, ms': blockedMs };
}

async function measureHardStop(env: NodeJS.ProcessEnv): Promise<void> {
  const program = await startProgram(env);
  const fleet = await ClientFleet.connect(program.url, clients);
  await program.stop();
  const again = await startProgram({ ...env, PORT: new URL(program.url).port });
  const report = await whenAllAreBack(fleet, 1);
  await fleet.stop();
  await again.stop();
  print('hard stop and start', report);
}

/** From the death of a worker by SIGKILL to its replacement being ready. */
async function measureReplacement(control: string, env: NodeJS.ProcessEnv): Promise<Figures> {
  const program = await startProgram({ ...env, RESTART_BUDGET: '1000' });
  const samples: number[] = [];
  for (let slot = 1; slot <= workers; slot++) {
    const victim = (await statusOf(control)).workers.find((worker) => worker.slot === slot)!;
    const killedAt = performance.now();
    process.kill(victim.pid, 'SIGKILL');
    while (!(await hasNewWorker(control, slot, victim.pid))) await elapsed(5);
    samples.push(performance.now() - killedAt);
  }
  await program.stop();
  process.stdout.write(
    `replacement after SIGKILL: median ${median(samples).toFixed(0)} ms of ${samples.length}, ` +
      `${Math.min(...samples).toFixed(0)} to ${Math.max(...samples).toFixed(0)}\n`,
  );
  return { 'replacement after SIGKILL, median, ms': median(samples) };
}

async function hasNewWorker(control: string, slot: number, pidBefore: number): Promise<boolean> {
  const { workers: now } = await statusOf(control);
  return now.some((worker) => worker.slot === slot && worker.pid !== pidBefore && worker.state === 'ready');
}

/** The longest block that workers of the new generation report; their first second is the start itself. */
function watchLoops(control: string): { stop(): Promise<number> } {
  let longest = 0;
  const ended = new AbortController();
  const watching = (async () => {
    while (!ended.signal.aborted) {
      for (const { generation, uptimeMs, loopDelayMaxMs = 0 } of (await statusOf(control)).workers) {
        if (generation > 1 && uptimeMs > 2_000) longest = Math.max(longest, loopDelayMaxMs);
      }
      await elapsed(500);
    }
  })();
  const stop = async (): Promise<number> => {
    ended.abort();
    await watching;
    return longest;
  };
  return { stop };
}

async function whenAllAreBack(fleet: ClientFleet, movesEach: number): Promise<FleetReport> {
  const givenUpAt = performance.now() + longestReturnMs;
  for (;;) {
    const report = await fleet.report();
    const moved = report.moves.filter((moves) => moves >= movesEach).length;
    if ((moved === fleet.clients && report.lost === 0) || performance.now() > givenUpAt) return report;
    await elapsed(250);
  }
}

function print(name: string, { awayMs, moves, lost }: FleetReport): void {
  const seconds = (share: number): string => `${(quantile(awayMs, share) / 1_000).toFixed(2)} s`;
  process.stdout.write(
    `${name}, ${clients} clients: away p50 ${seconds(0.5)}, p95 ${seconds(0.95)}, max ${seconds(1)}; ` +
      `never back ${lost}; moved once ${moves.filter((count) => count === 1).length}, ` +
      `more often ${moves.filter((count) => count > 1).length}\n`,
  );
}
