import { rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { openUntyped } from '../../support/clients.js';
import { runToEnd } from '../../support/start-program.js';
import { isWhole, pidsOf, startSupervised, troubleEntry } from '../../support/start-supervised.js';
import { temporaryFolder } from '../../support/temporary-folder.js';

describe('a worker that cannot start', () => {
  it('ends the program with exit code 1 and its own error, when no worker ever could', async () => {
    const folder = temporaryFolder();
    await writeFile(path.join(folder, 'fail'), '');

    const env = { TROUBLE: folder, CONTROL_SOCKET: path.join(folder, 'control.sock') };
    const { code, stderr } = await runToEnd({ entry: troubleEntry, workers: 2, env });

    expect(code).toBe(1);
    expect(stderr).toContain('this worker was told to fail');
    expect(stderr.match(/told to fail/g)!.length).toBeLessThanOrEqual(4);
    expect(stderr).toMatch(
      /^Worker \d could not start \(exit code 1\), and no worker ever has: its own error stands above\.$/m,
    );
  });

  it('aborts a restart: nothing is drained, and the next one works when its fault is gone', async () => {
    const folder = temporaryFolder();
    // The failures of an aborted restart must not use up what is meant for those of serving workers.
    const env = { TROUBLE: folder, RESTART_BUDGET: '1', DRAIN_MS: '0' };
    const cluster = await startSupervised({ workers: 4, env });
    const before = await cluster.status();
    const clients = Array.from({ length: 8 }, () => openUntyped(cluster.url));
    await Promise.all(clients.map((client) => client.emitWithAck('whereami')));
    const lost: string[] = [];
    for (const client of clients) client.on('disconnect', (reason) => void lost.push(reason));

    await writeFile(path.join(folder, 'fail'), '');
    const { code, stderr } = await cluster.ctl('reload');

    expect(code).toBe(1);
    expect(stderr).toMatch(/^The new worker \d did not become ready \(exit code 1\): .+serve on\.\n$/);
    const status = await cluster.until(isWhole);
    expect(pidsOf(status)).toEqual(pidsOf(before));
    await Promise.all(clients.map((client) => client.emitWithAck('whereami')));
    expect(lost).toEqual([]);
    // Those that had not failed by then are told to end.
    const { clean, 'failed to boot': failed, ...others } = status.exits;
    expect(clean + failed).toBe(4);
    expect(before.exits).toMatchObject(others);
    expect(cluster.output()).not.toContain('exited unexpectedly');

    await rm(path.join(folder, 'fail'));
    expect(await cluster.ctl('reload')).toMatchObject({ code: 0, stderr: '' });
    expect(pidsOf(await cluster.status()).filter((pid) => pidsOf(before).includes(pid))).toEqual([]);
  });

  it('aborts a restart when it alone does not become ready in time, while its siblings did', async () => {
    const folder = temporaryFolder();
    const cluster = await startSupervised({ workers: 2, env: { TROUBLE: folder, BOOT_TIMEOUT_MS: '6000' } });
    const before = pidsOf(await cluster.status());
    const { client } = await cluster.connectTo(1);

    await writeFile(path.join(folder, 'wait-2'), '');
    const { code, stderr } = await cluster.ctl('reload');

    expect(code).toBe(1);
    expect(stderr).toContain('The new worker 2 did not become ready (not ready within 6000 ms)');
    expect(pidsOf(await cluster.until(isWhole))).toEqual(before);
    expect(client.connected).toBe(true);
  });
});

describe('a worker that is still starting', () => {
  it('does not hold up the end of the program', async () => {
    const folder = temporaryFolder();
    const cluster = await startSupervised({ workers: 1, env: { TROUBLE: folder, SHUTDOWN_TIMEOUT_MS: '10000' } });
    await writeFile(path.join(folder, 'wait-2'), '');
    const scaling = cluster.ctl('scale', '2');
    await cluster.until(({ workers }) => workers.some(({ state }) => state === 'booting'));

    const stoppedAt = performance.now();
    cluster.process.kill('SIGTERM');

    expect(await cluster.exited).toEqual({ code: 0, signal: null });
    expect(performance.now() - stoppedAt).toBeLessThan(5_000);
    await scaling;
  });

  it('goes at once when it is wanted no more', async () => {
    const folder = temporaryFolder();
    const cluster = await startSupervised({ workers: 1, env: { TROUBLE: folder } });
    await writeFile(path.join(folder, 'wait-2'), '');
    const scaling = cluster.ctl('scale', '2');
    await cluster.until(({ workers }) => workers.some(({ state }) => state === 'booting'));

    const startedAt = performance.now();
    expect((await cluster.ctl('scale', '1')).code).toBe(0);

    expect(performance.now() - startedAt).toBeLessThan(8_000);
    expect((await cluster.status()).exits).toMatchObject({ hung: 0, crashed: 0 });
    await scaling;
  });
});
