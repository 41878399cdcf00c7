import { rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { statusOf } from '../../support/ctl.js';
import { eventually } from '../../support/eventually.js';
import { startFakeSystemd } from '../../support/fake-systemd.js';
import { isWhole, startSupervised } from '../../support/start-supervised.js';
import { temporaryFolder } from '../../support/temporary-folder.js';

describe('systemd', () => {
  it('is told READY=1 only when every worker serves, RELOADING=1 until all are replaced, STOPPING=1 at the end', async () => {
    const systemd = await startFakeSystemd();
    const folder = temporaryFolder();
    const controlSocket = path.join(folder, 'control.sock');
    await writeFile(path.join(folder, 'wait-2'), '');
    const env = { NOTIFY_SOCKET: systemd.socket, CONTROL_SOCKET: controlSocket, TROUBLE: folder, DRAIN_MS: '0' };

    const starting = startSupervised({ workers: 2, env });
    await eventually(
      () => statusOf(controlSocket).catch(() => undefined),
      (status) => status?.workers.map(({ state }) => state).join() === 'ready,booting',
    );
    expect(systemd.told).toEqual([]);
    await rm(path.join(folder, 'wait-2'));
    const cluster = await starting;
    await systemd.hears('READY=1');
    expect(systemd.told[0]).toContain(`MAINPID=${cluster.process.pid}`);

    // Held up, so that a second request comes while the first is under way.
    await writeFile(path.join(folder, 'wait'), '');
    const reloading = cluster.ctl('reload');
    await systemd.hears('RELOADING=1');
    expect(systemd.told.find((line) => line.startsWith('RELOADING=1'))).toMatch(/ MONOTONIC_USEC=\d+ /);
    await cluster.until(({ workers }) => workers.some(({ state }) => state === 'booting'));
    expect((await cluster.ctl('reload')).code).toBe(1);
    expect(systemd.count('READY=1')).toBe(1);
    await rm(path.join(folder, 'wait'));
    expect((await reloading).code).toBe(0);
    await systemd.hears('READY=1', 2);
    expect(isWhole(await cluster.status())).toBe(true);

    cluster.process.kill('SIGTERM');
    expect(await cluster.exited).toEqual({ code: 0, signal: null });
    await systemd.hears('STOPPING=1');
    expect(systemd.told.map((line) => line.split(' ')[0])).toEqual(['READY=1', 'RELOADING=1', 'READY=1', 'STOPPING=1']);
  });

  it('gets a sign of life as often as it asks, and none of a primary that stands still', async () => {
    const [watchdog, clock] = [await startFakeSystemd(), await startFakeSystemd()];
    const env = { NOTIFY_SOCKET: watchdog.socket, WATCHDOG_USEC: '1000000' };
    const cluster = await startSupervised({ workers: 1, env });
    await startSupervised({ workers: 1, env: { ...env, NOTIFY_SOCKET: clock.socket } });
    await watchdog.hears('WATCHDOG=1', 3);

    cluster.process.kill('SIGSTOP');
    // One may be on its way still.
    await clock.hears('WATCHDOG=1', clock.count('WATCHDOG=1') + 1);
    const before = watchdog.count('WATCHDOG=1');
    await clock.hears('WATCHDOG=1', clock.count('WATCHDOG=1') + 4);
    expect(watchdog.count('WATCHDOG=1')).toBe(before);

    cluster.process.kill('SIGCONT');
    await watchdog.hears('WATCHDOG=1', before + 2);
  });
});
