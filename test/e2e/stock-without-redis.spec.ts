import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as elapsed } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { ownRedis } from '../support/redis-carriers.js';

// What the tests beside this one hold us to is worth something only as long as this is so.
describe('what everybody has, without Redis', () => {
  it('ends with an unhandled rejection, one for each emit: the classic adapter', async () => {
    const { redis, process, errors } = await start('classic');
    const exited = once(process, 'exit');

    await redis.stop();

    expect((await exited)[0]).toBe(1);
    expect(errors()).toContain('Reached the max retries per request limit');
  });

  it('keeps what is said from the clients of the same process: the sharded adapter', async () => {
    const { redis, heard } = await start('sharded');

    await redis.stop();
    await elapsed(200);
    const before = heard().length;
    await elapsed(2_000);

    expect(heard().length - before).toBe(0);
  });
});

async function start(kind: 'classic' | 'sharded') {
  const redis = await ownRedis();
  const process = spawn('node', ['test/fixtures/stock.redis.mjs', kind, redis.url]);
  onTestFinished(() => void process.kill('SIGKILL'));
  const lines: string[] = [];
  let errors = '';
  process.stderr.on('data', (data: Buffer) => void (errors += data.toString()));
  const output = createInterface({ input: process.stdout }).on('line', (line) => lines.push(line));
  const heard = (): string[] => lines.filter((line) => line.startsWith('heard'));
  while (heard().length < 3) await once(output, 'line');
  return { redis, process, heard, errors: () => errors };
}
