import { type Contestant, startContestants } from './connect/contestants.js';
import { measure, type Sample } from './connect/sample.js';
import { tableOf } from './connect/table.js';
import type { ClientKind } from './support/handshake-process.js';
import { startRedis } from './support/redis.js';

const kinds: readonly ClientKind[] = ['websocket', 'default', 'polling', 'kept polling'];
const rounds = 3;
const clients = 400;
const clientsToWarmUp = 150;

/**
 * What it costs to have any client on any worker: processor time for each connection and each polling round trip, of
 * the built program beside the official recipe with sticky sessions.
 */
export async function benchConnect(): Promise<void> {
  const redis = await startRedis();
  try {
    const contestants = await startContestants(redis.url);
    try {
      const samples = await compare(contestants);
      process.stdout.write(
        `${clients} clients of each kind, ${rounds} rounds, medians; CPU in ms\n${tableOf(samples)}`,
      );
    } finally {
      await Promise.all(contestants.map(({ program }) => program.stop()));
    }
  } finally {
    await redis.stop();
  }
}

async function compare(contestants: readonly Contestant[]): Promise<Sample[]> {
  for (const contestant of contestants) {
    for (const kind of kinds) await measure(contestant, kind, clientsToWarmUp);
  }
  const samples: Sample[] = [];
  for (let round = 0; round < rounds; round++) {
    for (const kind of kinds) {
      // Whoever comes first finds another machine than whoever comes last.
      for (let turn = 0; turn < contestants.length; turn++) {
        const contestant = contestants[(round + turn) % contestants.length]!;
        process.stderr.write(`connect, round ${round + 1} of ${rounds}: ${kind}, ${contestant.name}\n`);
        samples.push(await measure(contestant, kind, clients));
      }
    }
  }
  return samples;
}
