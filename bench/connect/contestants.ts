import path from 'node:path';
import { type BenchProgram, startProgram } from '../support/program.js';

export interface Contestant {
  readonly name: string;
  readonly program: BenchProgram;
}

export const workers = 4;

const longestMs = `${2 ** 31 - 1}`;

/** Ours first, then whom it is compared with: all on the same Redis, with the same number of workers. */
export async function startContestants(redisUrl: string): Promise<Contestant[]> {
  const env = { WORKERS: `${workers}`, REDIS_URL: redisUrl, HOST: '127.0.0.1' };
  // Nobody else's clients hear a heartbeat.
  const ours = await startProgram({ ...env, HEARTBEAT_INTERVAL_MS: longestMs });
  const sticky = await startProgram(env, { file: path.join(import.meta.dirname, '../rivals/sticky.cluster.js') });
  return [
    { name: 'nest-io-cluster', program: ours },
    { name: '@socket.io/sticky', program: sticky },
  ];
}
