import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { next } from '../../support/clients.js';
import { statusOf } from '../../support/ctl.js';
import { eventually } from '../../support/eventually.js';
import { freePort } from '../../support/free-port.js';
import { HttpConnection } from '../../support/http-connection.js';
import { childrenOf, isAlive, startCommand } from '../../support/start-program.js';
import { isWhole, pidsOf, startSupervised, type SupervisedProgram } from '../../support/start-supervised.js';
import { temporaryFolder } from '../../support/temporary-folder.js';

describe.each([
  ['SIGTERM', 143],
  ['SIGINT', 130],
] as const)('%s', (signal, secondCode) => {
  it('ends the program in good order with exit code 0', async () => {
    const cluster = await startSupervised({ workers: 2 });
    const { client } = await cluster.connectTo();
    const left = next(client, 'disconnect' as never);
    const pids = pidsOf(await cluster.status());

    cluster.process.kill(signal);

    expect(await left).toContain('transport close');
    expect(await cluster.exited).toEqual({ code: 0, signal: null });
    expect(pids.filter(isAlive)).toEqual([]);
  });

  it(`a second time ends it at once with exit code ${secondCode}`, async () => {
    const cluster = await startSupervised({ workers: 2, env: { SHUTDOWN_DRAIN_MS: '60000' } });
    const pids = await populate(cluster);

    cluster.process.kill(signal);
    await cluster.until(({ wanted }) => wanted === 0);
    // One that follows at once may be an echo of the first, as from a terminal and from npm.
    await eventually(
      () => cluster.process.kill(signal),
      () => cluster.process.exitCode !== null,
    );

    expect(await cluster.exited).toEqual({ code: secondCode, signal: null });
    await eventually(
      () => pids.filter(isAlive),
      ({ length }) => length === 0,
    );
  });
});

describe('SIGQUIT', () => {
  it('ends the program fast with exit code 0, whatever its clients do', async () => {
    const cluster = await startSupervised({ workers: 2, env: { SHUTDOWN_DRAIN_MS: '60000' } });
    const pids = await populate(cluster);
    await (await HttpConnection.open(cluster.url)).becomeStuckClient();

    const startedAt = performance.now();
    cluster.process.kill('SIGQUIT');

    expect(await cluster.exited).toEqual({ code: 0, signal: null });
    expect(performance.now() - startedAt).toBeLessThan(4_000);
    expect(pids.filter(isAlive)).toEqual([]);
  });
});

describe('SIGUSR1', () => {
  it('is left to Node, which starts its inspector; the program lives on', async () => {
    // Node counts the workers' ports up from it, but opens none of them.
    const cluster = await startSupervised({ workers: 1, env: { NODE_OPTIONS: `--inspect-port=${await freePort()}` } });
    const before = pidsOf(await cluster.status());
    const listening = cluster.says(/Debugger listening on ws:/);

    cluster.process.kill('SIGUSR1');

    await listening;
    expect(pidsOf(await cluster.status())).toEqual(before);
    expect((await cluster.ctl('reload')).code).toBe(0);
  });
});

describe('signals to the whole process group, as a terminal sends them', () => {
  it('leave the workers to the primary', async () => {
    const cluster = await startSupervised({ workers: 2 });
    const pids = pidsOf(await cluster.status());
    const { client } = await cluster.connectTo();

    for (const signal of ['SIGINT', 'SIGHUP', 'SIGQUIT'] as const) {
      for (const pid of pids) process.kill(pid, signal);
    }

    await client.emitWithAck('whoami');
    expect(pidsOf(await cluster.until(isWhole))).toEqual(pids);
  });
});

describe('the program as process 1 of a container', () => {
  it('ends in good order on SIGTERM', async ({ skip }) => {
    if (!(await mayUnshare())) skip('this kernel lets nobody make a PID namespace');
    const controlSocket = path.join(temporaryFolder(), 'control.sock');
    const namespace = ['unshare', '--pid', '--fork', '--mount-proc', '--kill-child'] as const;
    const cluster = await startCommand([...namespace, process.execPath, 'dist/main.cluster.js'], {
      workers: 2,
      env: { CONTROL_SOCKET: controlSocket },
    });
    const { client } = await cluster.connect();
    const left = next(client, 'disconnect' as never);
    expect((await statusOf(controlSocket)).primary.pid).toBe(1);
    const [primary] = await childrenOf(cluster.process.pid!);
    const workers = await childrenOf(primary!);
    expect(await commandOf(primary!)).toContain('main.cluster.js');

    process.kill(primary!, 'SIGTERM');

    expect(await left).toContain('transport close');
    expect(await cluster.exited).toEqual({ code: 0, signal: null });
    expect(workers.length).toBe(2);
    expect(workers.filter(isAlive)).toEqual([]);
  });
});

/** Clients that take their time to go, and the workers they are on. */
async function populate(cluster: SupervisedProgram): Promise<number[]> {
  for (let clients = 0; clients < 20; clients++) await cluster.connectTo();
  return pidsOf(await cluster.status());
}

async function mayUnshare(): Promise<boolean> {
  const [code] = (await once(spawn('unshare', ['--pid', '--fork', '--mount-proc', 'true']), 'exit')) as [number | null];
  return code === 0;
}

async function commandOf(pid: number): Promise<string> {
  return await readFile(`/proc/${pid}/cmdline`, 'utf8');
}
