import { type Contestant, startContestants } from './connect/contestants.js';
import { type Load, measure, type Sample } from './connect/sample.js';
import { figuresOf, tableOf } from './connect/table.js';
import type { BenchOptions, Figures } from './support/figures.js';
import { readGoals } from './support/goals.js';
import type { ClientKind } from './support/handshake-process.js';
import { Progress } from './support/progress.js';
import { startRedis } from './support/redis.js';
import { writeSamples } from './support/report.js';
import { rotated } from './support/rotated.js';

const kinds: readonly ClientKind[] = ['websocket', 'default', 'polling', 'kept polling'];

const fullRounds = 3;

/** Over WebSocket an event costs no contestant anything of its own: one shows that it arrives. */
const load: Load = {
  clients: 400,
  roundTripsEach: { websocket: 1, default: 1, polling: 10, 'kept polling': 10 },
};

/**
 * A worker's first few thousand polls cost it three times as much as the later ones, until V8 has compiled what they
 * need; what counts is a worker that has been there for a while.
 */
const warmUp: Load = {
  clients: 200,
  roundTripsEach: { websocket: 10, default: 10, polling: 30, 'kept polling': 100 },
};

/**
 * What it costs to have any client on any worker: processor time for each connection and each polling round trip, of
 * the built program beside the official recipe with sticky sessions.
 */
export async function benchConnect({ rounds }: BenchOptions): Promise<Figures> {
  const goals = await readGoals();
  const redis = await startRedis();
  try {
    const contestants = await startContestants(redis.url);
    try {
      const samples = await compare(contestants, rounds ?? fullRounds);
      process.stdout.write(
        `Node ${process.version}, ${load.clients} clients of each kind, ${rounds ?? fullRounds} rounds, medians; CPU in ms\n${tableOf(samples, goals)}`,
      );
      if (rounds === undefined) await writeSamples('connect', samples);
      return figuresOf(samples);
    } finally {
      await Promise.all(contestants.map(({ program }) => program.stop()));
    }
  } finally {
    await redis.stop();
  }
}

async function compare(contestants: readonly Contestant[], rounds: number): Promise<Sample[]> {
  for (const contestant of contestants) {
    process.stderr.write(`connect: warming up ${contestant.name}\n`);
    for (const kind of kinds) await measure(contestant, kind, warmUp);
  }
  const progress = new Progress('connect', rounds * kinds.length * contestants.length);
  const samples: Sample[] = [];
  for (let round = 0; round < rounds; round++) {
    for (const kind of kinds) {
      for (const contestant of rotated(contestants, round)) {
        progress.begin(`${kind}, ${contestant.name}, round ${round + 1} of ${rounds}`);
        samples.push(await measure(contestant, kind, load));
      }
    }
  }
  return samples;
}
