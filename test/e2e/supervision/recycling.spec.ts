import { describe, expect, it } from 'vitest';
import type { ClusterStatus } from '../../../src/cluster/status.js';
import { isWhole, pidsOf, startSupervised } from '../../support/start-supervised.js';

describe('a worker that has become too old', () => {
  it('is replaced, one at a time and never before its replacement is ready', async () => {
    const cluster = await startSupervised({ workers: 2, env: { WORKER_MAX_AGE_MS: '3000', DRAIN_MS: '200' } });
    const before = pidsOf(await cluster.status());
    const looks: ClusterStatus[] = [];

    const after = await cluster.until((status) => {
      looks.push(status);
      return isWhole(status) && status.workers.every(({ pid }) => !before.includes(pid));
    });

    expect(after.exits.recycled).toBeGreaterThanOrEqual(2);
    expect(after.exits).toEqual({ ...looks[0]!.exits, recycled: after.exits.recycled });
    expect(after.workers.map(({ slot }) => slot)).toEqual([1, 2]);
    expect(Math.min(...looks.map(readyCount))).toBe(2);
    expect(Math.max(...looks.map(({ workers }) => workers.length))).toBe(3);
    expect(cluster.output()).toMatch(/worker \d is recycled \(\d s old, \d+ MiB\)/);
  });
});

describe('a worker that takes too much memory', () => {
  it('is replaced, and its sibling is not', async () => {
    const cluster = await startSupervised({ workers: 2, env: { WORKER_MAX_RSS_MB: '500', DRAIN_MS: '0' } });
    const [big, sibling] = [await cluster.connectTo(1), await cluster.connectTo(2)];

    await big.client.emitWithAck('allocate', 520);

    const { workers } = await cluster.until((status) => isWhole(status) && status.exits.recycled === 1);
    expect(workers).toMatchObject([
      { slot: 1, restarts: 1 },
      { slot: 2, pid: sibling.pid, restarts: 0 },
    ]);
    expect(workers[0]!.pid).not.toBe(big.pid);
  });
});

function readyCount({ workers }: ClusterStatus): number {
  return workers.filter(({ state }) => state === 'ready').length;
}
