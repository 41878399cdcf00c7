import { setTimeout as elapsed } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { ClusterStatus } from '../../src/cluster/status.js';
import type { Heartbeat } from '../../src/events.js';
import { carrierEnvironment, carriers } from '../support/carriers.js';
import type { Client } from '../support/clients.js';
import { eventually } from '../support/eventually.js';
import { markFamily } from '../support/processes.js';
import { Random } from '../support/random.js';
import { isWhole, startSupervised, type SupervisedProgram } from '../support/start-supervised.js';
import { startTraffic } from '../support/traffic.js';

const deaths = 100;
const durationMs = 60_000;
const intervalMs = 1_000;
/** SEED repeats a run. */
const seed = Number(process.env['SEED'] ?? Date.now() % 2 ** 31);

describe.each(carriers)(`over the %s carrier ${deaths} random deaths of workers (SEED=${seed})`, (carrier) => {
  it('are each made good: every client is back, no heartbeat is missed for long, no process is left', async () => {
    const family = markFamily();
    const env = {
      ...family.env,
      ...carrierEnvironment(carrier),
      HEARTBEAT_INTERVAL_MS: `${intervalMs}`,
      RESTART_BUDGET: '1000',
      RESTART_HEALTHY_MS: '1',
    };
    const cluster = await startSupervised({ workers: 4, env });
    const traffic = await startTraffic(cluster.url, 40, 0);
    const beats = traffic.talkers.map(({ client }) => followBeats(client));

    const replacements = await killAtRandom(cluster);

    const status = await cluster.until((each) => isWhole(each) && each.exits.killed === deaths);
    expect(status.exits).toMatchObject({ hung: 0, crashed: 0, 'failed to boot': 0 });
    expect(status.workers.map(({ slot }) => slot)).toEqual([1, 2, 3, 4]);
    await Promise.all(traffic.talkers.map(({ client }) => client.emitWithAck('whereami')));
    const last = Math.max(...beats.map(({ sequences }) => sequences.at(-1)!));
    await eventually(
      () => beats.map(({ sequences }) => sequences.at(-1)!),
      (sequences) => sequences.every((sequence) => sequence > last),
    );
    await traffic.stop();
    for (const { sequences } of beats) expect(sequences).toEqual([...new Set(sequences)].toSorted((a, b) => a - b));
    const longest = Math.max(...beats.flatMap(({ gaps }) => gaps));
    process.stdout.write(
      `${carrier}, SEED=${seed}: ready again ${median(replacements)} ms after a death (median; longest ` +
        `${Math.max(...replacements)}), ${traffic.done()} messages answered, longest wait for a beat ${longest} ms\n`,
    );
    expect(longest).toBeLessThanOrEqual(2 * intervalMs);

    cluster.process.kill('SIGTERM');
    expect(await cluster.exited).toEqual({ code: 0, signal: null });
    await family.gone();
  });
});

/** Resolves, when all are dead and replaced, with how long each slot was without a ready worker. */
async function killAtRandom(cluster: SupervisedProgram): Promise<number[]> {
  const random = new Random(seed);
  const times = Array.from({ length: deaths }, () => random.below(durationMs)).toSorted((a, b) => a - b);
  const startedAt = performance.now();
  const replaced: Promise<number>[] = [];
  // The primary may not have noticed the last death when the next is due.
  const dead = new Set<number>();
  for (const at of times) {
    await elapsed(Math.max(0, at - (performance.now() - startedAt)));
    const alive = ({ workers }: ClusterStatus) =>
      workers.filter(({ pid, state }) => state === 'ready' && !dead.has(pid));
    const { pid, slot } = random.pick(alive(await cluster.until((status) => alive(status).length > 0)));
    process.kill(pid, 'SIGKILL');
    dead.add(pid);
    replaced.push(replacementOf(cluster, slot, pid));
  }
  return await Promise.all(replaced);
}

async function replacementOf(cluster: SupervisedProgram, slot: number, killed: number): Promise<number> {
  const diedAt = performance.now();
  await cluster.until(({ workers }) =>
    workers.some((worker) => worker.slot === slot && worker.pid !== killed && worker.state === 'ready'),
  );
  return Math.round(performance.now() - diedAt);
}

interface Beats {
  readonly sequences: number[];
  /** How long the client waited for each beat while it was connected, in milliseconds. */
  readonly gaps: number[];
}

function followBeats(client: Client): Beats {
  const beats: Beats = { sequences: [], gaps: [0] };
  let since: number | undefined = performance.now();
  const note = (): void => {
    if (since !== undefined) beats.gaps.push(Math.round(performance.now() - since));
    since = performance.now();
  };
  client.on('heartbeat', ({ sequence }: Heartbeat) => {
    beats.sequences.push(sequence);
    note();
  });
  client.on('connect', () => (since = performance.now()));
  client.on('disconnect', () => {
    note();
    since = undefined;
  });
  return beats;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;
}
