import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { onTestFinished } from 'vitest';
import { ownRedis } from './redis-carriers.js';

/** A server with an official adapter and ioredis, as their pages have it, whose own client has heard it already. */
export async function startStockServer(kind: 'classic' | 'sharded') {
  const redis = await ownRedis();
  const server = spawn(process.execPath, ['test/fixtures/stock.redis.mjs', kind, redis.url]);
  onTestFinished(() => void server.kill('SIGKILL'));
  const lines: string[] = [];
  let errors = '';
  server.stderr.on('data', (data: Buffer) => void (errors += data.toString()));
  const output = createInterface({ input: server.stdout }).on('line', (line) => lines.push(line));
  const heard = (): string[] => lines.filter((line) => line.startsWith('heard'));
  while (heard().length < 3) await once(output, 'line');
  return { redis, process: server, heard, errors: () => errors };
}
