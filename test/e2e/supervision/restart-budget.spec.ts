import { describe, expect, it } from 'vitest';
import type { Health } from '../../../src/ops/health.controller.js';
import { eventually } from '../../support/eventually.js';
import { isWhole, startSupervised, type SupervisedProgram } from '../../support/start-supervised.js';

describe('a worker that fails again and again', () => {
  it('is not forked again while the budget is spent; the others serve on, and it comes back when it has passed', async () => {
    const env = { RESTART_BUDGET: '2', RESTART_WINDOW_MS: '15000' };
    const cluster = await startSupervised({ workers: 2, env });
    const healthy = await cluster.connectTo(2);

    await killSlot(cluster, 1);
    await cluster.until(isWhole);
    await killSlot(cluster, 1);
    await cluster.until(isWhole);
    expect((await health(cluster)).body.status).toBe('ok');
    await killSlot(cluster, 1);

    const degraded = await cluster.until((status) => status.degraded);
    expect(degraded).toMatchObject({ wanted: 2, workers: [{ slot: 2, pid: healthy.pid }], exits: { killed: 3 } });
    await eventually(
      () => health(cluster),
      ({ code, body }) => code === 200 && body.status === 'degraded',
    );
    expect((await cluster.ctl('status')).stdout).toContain('2 workers wanted, DEGRADED');
    expect(await healthy.client.emitWithAck('whoami')).toEqual({ slot: 2, pid: healthy.pid });

    const whole = await cluster.until(isWhole);
    expect(whole).toMatchObject({
      degraded: false,
      workers: [
        { slot: 1, restarts: 3 },
        { slot: 2, pid: healthy.pid },
      ],
    });
    await eventually(
      () => health(cluster),
      ({ body }) => body.status === 'ok',
    );
  });

  it('ends the program with one sentence and exit code 1 when too few are left', async () => {
    const cluster = await startSupervised({ workers: 3, env: { RESTART_BUDGET: '0', QUORUM: '2' } });

    await killSlot(cluster, 1);
    await cluster.until((status) => status.degraded);
    const said = cluster.says(/the primary gives up/);
    await killSlot(cluster, 2);

    expect(await said).toMatch(
      /FATAL.* Workers failed more than 0 times within 60000 ms and 1 are left, fewer than the quorum of 2, so the primary gives up: /,
    );
    expect(await cluster.exited).toEqual({ code: 1, signal: null });
  });
});

async function killSlot(cluster: SupervisedProgram, slot: number): Promise<void> {
  const { workers } = await cluster.status();
  process.kill(workers.find((worker) => worker.slot === slot)!.pid, 'SIGKILL');
  await cluster.says(new RegExp(`worker ${slot} exited unexpectedly \\(killed, SIGKILL\\)`));
}

async function health({ url }: SupervisedProgram): Promise<{ code: number; body: Health }> {
  const response = await fetch(`${url}/health`);
  return { code: response.status, body: (await response.json()) as Health };
}
