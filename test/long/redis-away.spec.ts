import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { setTimeout as elapsed } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { eventually } from '../support/eventually.js';
import { startFaultProxy } from '../support/fault-proxy.js';
import { ownRedis } from '../support/redis-carriers.js';
import { startProgram } from '../support/start-program.js';

const minutes = 10;

describe(`a cluster whose Redis is silent for ${minutes} minutes`, () => {
  it(
    'serves on, worker to worker, with flat memory, and is whole again within seconds',
    async () => {
      const redis = await ownRedis();
      const proxy = await startFaultProxy(redis);
      const cluster = await startProgram({ workers: 2, env: { REDIS_URL: proxy.url, REDIS_KEY: randomUUID() } });
      const pids = await cluster.workerPids();
      const [speaker, listener] = await cluster.connectToEach();
      await listener!.emitWithAck('join', 'lobby');
      const numbers: number[] = [];
      listener!.on('said', ({ text }) => void numbers.push(Number(text)));
      let said = 0;
      const text = (): string => `${said++}`.padEnd(1_000);
      proxy.set({ kind: 'black hole' });
      await eventually(
        () => healthOf(cluster.url),
        (status) => status === 'degraded',
      );
      await elapsed(500);

      const sizes: number[] = [];
      for (let second = 0; second < minutes * 60; second++) {
        for (let index = 0; index < 100; index++) speaker!.emit('say', { room: 'lobby', text: text() }, () => {});
        await elapsed(1_000);
        if (second % 60 === 59) sizes.push(await residentBytes([...pids.values()]));
      }
      proxy.heal();
      const healedAt = performance.now();
      for (let streak = 0; streak < 5;) streak = (await healthOf(cluster.url)) === 'ok' ? streak + 1 : 0;
      const backAfterMs = performance.now() - healedAt;

      process.stdout.write(`resident after each minute: ${sizes.join(' ')}; back after ${backAfterMs} ms\n`);
      expect(numbers).toEqual(Array.from({ length: said }, (_, number) => number));
      expect(Math.max(...sizes) - sizes[0]!).toBeLessThan(32 * 2 ** 20);
      expect(backAfterMs).toBeLessThan(10_000);
      expect(await cluster.workerPids()).toEqual(pids);
    },
    (minutes + 2) * 60_000,
  );
});

async function healthOf(url: string): Promise<string> {
  const response = await fetch(`${url}/health`, { headers: { Connection: 'close' } });
  return ((await response.json()) as { status: string }).status;
}

async function residentBytes(pids: readonly number[]): Promise<number> {
  const pages = await Promise.all(
    pids.map(async (pid) => Number((await readFile(`/proc/${pid}/statm`, 'utf8')).split(' ')[1])),
  );
  return pages.reduce((sum, count) => sum + count, 0) * 4_096;
}
