import { setTimeout as elapsed } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { carrierEnvironment } from '../../support/carriers.js';
import { copyProgram } from '../../support/program-copy.js';
import { childrenOf } from '../../support/start-program.js';
import { isWhole, pidsOf, startSupervised, type SupervisedProgram } from '../../support/start-supervised.js';
import { startTraffic, type Traffic } from '../../support/traffic.js';

/** With reuse-port it takes a setting of the kernel that no request fails: see accepting.spec.ts. */
const roundRobin = { LISTEN: 'round-robin' };

describe.each([
  ['SIGHUP', 'embedded', bySignal],
  ['ctl reload', 'redis', byCommand],
] as const)('a phased restart by %s over the %s carrier', (_, carrier, reload) => {
  it('fails no request and makes each of 200 talking clients come back exactly once', async () => {
    const cluster = await startSupervised({
      workers: 4,
      env: { ...roundRobin, ...carrierEnvironment(carrier), DRAIN_MS: '2000' },
    });
    const traffic = await startTraffic(cluster.url, 200, 8);
    const before = await cluster.status();

    await reload(cluster);

    const after = await cluster.status();
    await everybodyIsBack(traffic);
    await traffic.stop();
    expect(traffic.failures).toEqual([]);
    expect(traffic.talkers.filter(({ welcomes }) => welcomes() !== 2).map(({ welcomes }) => welcomes())).toEqual([]);
    expect(after.workers.map(({ slot }) => slot)).toEqual([1, 2, 3, 4]);
    expect(pidsOf(after).filter((pid) => pidsOf(before).includes(pid))).toEqual([]);
    expect(after.exits).toEqual({ ...before.exits, clean: 4 });
  });
});

describe('RELOAD_BATCH', () => {
  it.each([1, 2])('=%i never has more than that many workers beyond those wanted', async (batch) => {
    const cluster = await startSupervised({
      workers: 3,
      env: { ...roundRobin, DRAIN_MS: '200', RELOAD_BATCH: `${batch}` },
    });
    const traffic = await startTraffic(cluster.url, 20, 2);
    const before = pidsOf(await cluster.status());
    const counts = new Set<number>();

    const reloaded = new AbortController();
    const reloading = cluster.ctl('reload').finally(() => reloaded.abort());
    while (!reloaded.signal.aborted) {
      counts.add((await childrenOf(cluster.process.pid!)).length);
      await elapsed(5);
    }

    expect((await reloading).code).toBe(0);
    expect([Math.min(...counts), Math.max(...counts)]).toEqual([3, 3 + batch]);
    expect(pidsOf(await cluster.status()).filter((pid) => before.includes(pid))).toEqual([]);
    await everybodyIsBack(traffic);
    await traffic.stop();
    expect(traffic.failures).toEqual([]);
  });
});

describe('the new workers of a restart', () => {
  it('run the code that is on disk by then', async () => {
    const copy = await copyProgram();
    const cluster = await startSupervised({ entry: copy.entry, workers: 2, env: { DRAIN_MS: '0' } });
    expect((await cluster.connect()).welcome.message).toMatch(/^connected to worker: \d$/);

    await copy.deploy('dist/src/gateways/chat.gateway.js', 'connected to worker:', 'now served by worker:');
    expect((await cluster.ctl('restart', '1')).code).toBe(0);
    expect((await cluster.ctl('restart', '2')).code).toBe(0);

    expect((await cluster.connect()).welcome.message).toMatch(/^now served by worker: \d$/);
  });

  it('are refused where they speak another version of the protocol, and the old ones serve on', async () => {
    const copy = await copyProgram();
    const cluster = await startSupervised({ entry: copy.entry, workers: 2 });
    const before = pidsOf(await cluster.status());
    const { client } = await cluster.connect();

    await copy.deploy('dist/src/cluster/cluster.protocol.js', 'protocolVersion = 1', 'protocolVersion = 2');
    const { code, stderr } = await cluster.ctl('reload');

    expect(code).toBe(1);
    expect(stderr).toMatch(
      /^The new worker \d did not become ready \(it speaks version 2 of the IPC protocol, this primary version 1\): .+serve on\.\n$/,
    );
    expect(cluster.output()).toMatch(/worker \d is refused \(it speaks version 2 .*restart the whole program/);
    const status = await cluster.until(isWhole);
    expect(pidsOf(status)).toEqual(before);
    expect(client.connected).toBe(true);
  });
});

async function bySignal(cluster: SupervisedProgram): Promise<void> {
  const over = cluster.says(/all 4 workers have been replaced/);
  cluster.process.kill('SIGHUP');
  await over;
}

async function byCommand(cluster: SupervisedProgram): Promise<void> {
  expect((await cluster.ctl('reload')).code).toBe(0);
}

async function everybodyIsBack({ talkers }: Traffic): Promise<void> {
  await Promise.all(talkers.map(({ client }) => client.emitWithAck('whereami')));
}
