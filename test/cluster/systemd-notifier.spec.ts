import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { type SystemdEnvironment, SystemdNotifier } from '../../src/cluster/systemd-notifier.js';
import { ensureTool } from '../support/debian-package.js';
import { openNotifySocket } from '../support/notify-socket.js';
import { temporaryFolder } from '../support/temporary-folder.js';
import { systemdNotify } from '../support/tools.js';

beforeAll(() => void ensureTool(systemdNotify));

describe('systemd', () => {
  it('is told each state with what to say of it, in their order', async () => {
    const systemd = await openNotifySocket();
    const notifier = start({ socket: systemd.path });

    await Promise.all([notifier.ready('2 workers serve'), notifier.reloading(), notifier.ready('3 workers serve')]);
    await notifier.stopping();

    expect(await systemd.next()).toBe(`READY=1 STATUS=2 workers serve MAINPID=${process.pid}`);
    expect(await systemd.next()).toMatch(/^RELOADING=1 MONOTONIC_USEC=\d+ STATUS=replacing the workers$/);
    expect(await systemd.next()).toBe(`READY=1 STATUS=3 workers serve MAINPID=${process.pid}`);
    expect(await systemd.next()).toBe('STOPPING=1 STATUS=letting the clients go');
  });

  it('gets the time of a reload on the clock that it measures with', async () => {
    const systemd = await openNotifySocket();
    const before = process.hrtime.bigint() / 1_000n;

    await start({ socket: systemd.path }).reloading();

    const sent = BigInt(/MONOTONIC_USEC=(\d+)/.exec(await systemd.next())![1]!);
    expect(sent).toBeGreaterThanOrEqual(before);
    expect(sent).toBeLessThanOrEqual(process.hrtime.bigint() / 1_000n);
  });

  it('gets signs of life while the cluster is healthy', async () => {
    const systemd = await openNotifySocket();

    start({ socket: systemd.path, watchdogMs: 20 }).watch(() => true);

    expect([await systemd.next(), await systemd.next()]).toEqual(['WATCHDOG=1', 'WATCHDOG=1']);
  });

  it('gets none while it is not, though the cluster was asked', async () => {
    const systemd = await openNotifySocket();
    const notifier = start({ socket: systemd.path, watchdogMs: 20 });

    await new Promise<void>((resolve) => {
      let asked = 0;
      notifier.watch(() => {
        if (++asked === 5) resolve();
        return false;
      });
    });
    await notifier.ready('none of them serves');

    expect(await systemd.next()).toMatch(/^READY=1/);
  });

  it('gets none after it was told of the end', async () => {
    const systemd = await openNotifySocket();
    const notifier = start({ socket: systemd.path, watchdogMs: 20 });
    let asked = 0;
    notifier.watch(() => ++asked > 0);

    await notifier.stopping();
    const askedBefore = asked;
    await notifier.ready('a fence');

    expect(asked).toBe(askedBefore);
    const heard = await systemd.next();
    expect(['WATCHDOG=1', 'STOPPING=1 STATUS=letting the clients go']).toContain(heard);
  });

  it('is not asked for signs of life where it wants none', () => {
    let asked = false;

    start({ socket: '/nowhere' }).watch(() => (asked = true));

    expect(asked).toBe(false);
  });

  it('is told nothing where there is none', async () => {
    const notifier = start({ socket: undefined, watchdogMs: 20 });

    await expect(notifier.ready('2 workers serve')).resolves.toBeUndefined();
    await expect(notifier.reloading()).resolves.toBeUndefined();
    await expect(notifier.stopping()).resolves.toBeUndefined();
  });

  it('holds nothing up where it does not listen', async () => {
    const notifier = start({ socket: `${temporaryFolder()}/nobody` });

    await expect(notifier.ready('2 workers serve')).resolves.toBeUndefined();
    await expect(notifier.stopping()).resolves.toBeUndefined();
  });
});

function start(environment: Partial<SystemdEnvironment>): SystemdNotifier {
  const notifier = new SystemdNotifier({ socket: undefined, watchdogMs: undefined, ...environment });
  // It is what ends the watchdog.
  onTestFinished(() => notifier.stopping());
  return notifier;
}
