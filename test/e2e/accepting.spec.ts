import { setTimeout as elapsed } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { Tally } from '../fixtures/fresh-connections.js';
import { openFreshConnections, sumOf } from '../support/fresh-connections.js';
import { HttpConnection } from '../support/http-connection.js';
import { countListening, listeningSockets } from '../support/listening-sockets.js';
import { networkOf, ownNetwork } from '../support/network-namespace.js';
import { nodeBinary } from '../support/node-binary.js';
import { runToEnd, type RunningProgram } from '../support/start-program.js';
import { isWhole, startSupervised, type SupervisedProgram } from '../support/start-supervised.js';

const perSecond = 400;

/** Replacements under load take their time on a busy machine. */
const patience = { timeout: 120_000 };

const sentence = 'net.ipv4.tcp_migrate_req is 0';

describe('LISTEN=round-robin', () => {
  const env = { LISTEN: 'round-robin', DRAIN_MS: '0' };

  it('leaves the listening socket to the primary', async () => {
    const cluster = await startSupervised({ workers: 3, env });

    expect(await holders(cluster)).toEqual({ primary: 1, workers: [0, 0, 0], all: 1 });
    expect((await cluster.status()).listen).toBe('round-robin');
    expect(cluster.output()).not.toContain(sentence);
  });

  it.each([20, 24])('refuses and resets no connection while Node %i replaces each worker', patience, async (major) => {
    const cluster = await startSupervised({ workers: 3, env, node: nodeBinary(major) });
    const opening = openFreshConnections(cluster.url, perSecond);

    await replaceEach(cluster);

    expect(strangeOnesOf(await opening.stop())).toEqual([]);
  });

  it('loses no connection that a busy primary deals to a worker which has closed its socket', async () => {
    const cluster = await startSupervised({ workers: 2, env });
    const [first] = (await cluster.status()).workers;
    cluster.process.kill('SIGSTOP');
    const connections = await Promise.all(Array.from({ length: 6 }, () => HttpConnection.open(cluster.url)));

    process.kill(first!.pid, 'SIGTERM');
    // Nobody can see that it has closed its socket. It would have ended by now, had it nothing to wait for.
    await elapsed(300);
    cluster.process.kill('SIGCONT');

    for (const connection of connections) expect(await connection.get('/')).toMatch(/^HTTP\/1\.1 200 /);
  });
});

describe('a connection that a draining worker has just accepted', () => {
  it('is refused where it sends no request in time, and holds nothing up', async () => {
    const cluster = await startSupervised({ workers: 1, env: { LISTEN: 'round-robin', DRAIN_MS: '0' } });
    const silent = await HttpConnection.open(cluster.url);

    expect((await cluster.ctl('drain', '1')).code).toBe(0);

    expect(await silent.get('/')).toBe('');
    expect(silent.ended).toBe(true);
    expect((await cluster.until(isWhole)).exits).toMatchObject({ clean: 1, killed: 0 });
  });
});

describe('LISTEN=reuse-port', () => {
  const env = { LISTEN: 'reuse-port', DRAIN_MS: '0' };
  const node = nodeBinary(24);

  it('gives each worker a listening socket of its own on the one port, and the primary none', async () => {
    const cluster = await startSupervised({ workers: 3, env, node });

    expect(await holders(cluster)).toEqual({ primary: 0, workers: [1, 1, 1], all: 3 });
    expect((await cluster.status()).listen).toBe('reuse-port');
    const clients = await cluster.connectToEach();
    expect(await Promise.all(clients.map((client) => client.emitWithAck('whereami')))).toMatchObject([
      { worker: 1 },
      { worker: 2 },
      { worker: 3 },
    ]);
  });

  it('is what a newer Node does by itself', async () => {
    const cluster = await startSupervised({ workers: 2, node });

    expect(await holders(cluster)).toEqual({ primary: 0, workers: [1, 1], all: 2 });
  });

  it('keeps the port for the replacements of all workers', async () => {
    const cluster = await startSupervised({ workers: 2, env, node });

    expect((await cluster.ctl('reload')).code).toBe(0);

    expect(await holders(cluster)).toEqual({ primary: 0, workers: [1, 1], all: 2 });
    await cluster.connectToEach();
  });

  it(
    'refuses and resets no connection while each worker is replaced, where Linux migrates them',
    patience,
    async () => {
      const wrapper = ownNetwork({ 'net.ipv4.tcp_migrate_req': '1' });
      const cluster = await startSupervised({ workers: 3, env, node, wrapper });
      const opening = openFreshConnections(cluster.url, perSecond, networkOf(cluster.process.pid!));

      await replaceEach(cluster);

      expect(strangeOnesOf(await opening.stop())).toEqual([]);
      expect(cluster.output()).not.toContain(sentence);
    },
  );

  it('says once, and names the file that helps, where Linux does not migrate connections', async () => {
    const wrapper = ownNetwork({ 'net.ipv4.tcp_migrate_req': '0' });
    const cluster = await startSupervised({ workers: 2, env, node, wrapper });

    expect((await cluster.ctl('reload')).code).toBe(0);

    const said = cluster
      .output()
      .split('\n')
      .filter((line) => line.includes(sentence));
    expect(said).toHaveLength(1);
    expect(said[0]).toMatch(/\[primary\].* set it to 1, as deploy\/90-nest-io-cluster\.conf does$/);
  });

  it.each([
    ['at the same address', undefined],
    ['at all addresses', '127.0.0.1'],
  ])('ends with one sentence where another such program has the port %s', async (_, host) => {
    const taken = await startSupervised({ workers: 1, env, node });
    const port = new URL(taken.url).port;

    expect(await runToEnd({ env: { ...env, PORT: port, ...(host && { HOST: host }) }, node })).toEqual({
      code: 1,
      stdout: '',
      stderr: `Port ${port} is taken by another program: stop it, or set PORT to a free one (0 picks one).\n`,
    });
  });

  it.each(['dist/main.cluster.js', 'dist/src/main.js'])(
    'ends %s with one sentence on a Node that cannot do it',
    async (entry) => {
      const { code, stdout, stderr } = await runToEnd({ entry, env, node: nodeBinary(20) });

      expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
      expect(stderr).toMatch(/^LISTEN=reuse-port needs Node 22\.12, .* got Node 20\.\d+\.\d+ on linux: .*\.\n$/);
    },
  );
});

/** Who holds how many of the sockets that listen on the port of a cluster. */
async function holders(cluster: RunningProgram) {
  const port = Number(new URL(cluster.url).port);
  const primary = cluster.process.pid!;
  const workers = [...(await cluster.workerPids()).values()];
  const held = await listeningSockets(port, [primary, ...workers]);
  return {
    primary: held.get(primary),
    workers: workers.map((pid) => held.get(pid)),
    all: await countListening(port),
  };
}

async function replaceEach(cluster: SupervisedProgram): Promise<void> {
  expect((await cluster.ctl('restart', '1')).code).toBe(0);
  expect((await cluster.ctl('reload')).code).toBe(0);
}

/** What became of connections that were not answered as they should be; of too few nothing can be said. */
function strangeOnesOf(tally: Tally): string[] {
  expect(sumOf(tally)).toBeGreaterThan(perSecond);
  const outcomes = Object.entries(tally).filter(([name]) => name !== 'page 200' && name !== 'handshake 101');
  return outcomes.map(([name, count]) => `${name}: ${count}`);
}
