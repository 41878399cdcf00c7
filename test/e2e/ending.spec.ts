import { describe, expect, it } from 'vitest';
import type { Heartbeat } from '../../src/events.js';
import { carriers } from '../support/carriers.js';
import { type Client, collect, next, open } from '../support/clients.js';
import { allSaidBy, endOf, reasonOfDisconnect, startCluster } from '../support/endings.js';
import { type RunningProgram, startProgram } from '../support/start-program.js';

const entries = ['dist/main.cluster.js', 'dist/src/main.js'] as const;

const timelyEnd = { code: 0, signal: null, withinTenSeconds: true };

describe.each(carriers)('a cluster over the %s carrier', (carrier) => {
  it.each(['SIGTERM', 'SIGINT'] as const)(
    'ends in good order on %s: clients, workers, connections and itself',
    async (signal) => {
      const { cluster, family, redis } = await startCluster(carrier);
      const reasons = (await cluster.connectToEach()).map(reasonOfDisconnect);

      cluster.process.kill(signal);

      expect(await Promise.all(reasons)).toEqual(['transport close', 'transport close']);
      expect(await cluster.exited).toEqual({ code: 0, signal: null });
      await family.gone();
      await redis?.hasNoClients();
    },
  );

  it('ends within ten seconds with 1,000 clients connected', async () => {
    const { cluster, family } = await startCluster(carrier);
    const reasons = (await connectMany(cluster, 1_000)).map(reasonOfDisconnect);

    expect(await endOf(cluster)).toEqual(timelyEnd);
    expect(new Set(await Promise.all(reasons))).toEqual(new Set(['transport close']));
    await family.gone();
  });

  it('does not wait for a worker that has not started yet', async () => {
    const { cluster, family } = await startCluster(carrier);
    const forkedAgain = cluster.says(/worker 2 exited unexpectedly/);
    process.kill((await cluster.workerPids()).get(2)!, 'SIGKILL');
    await forkedAgain;

    cluster.process.kill('SIGTERM');

    expect(await allSaidBy(cluster)).not.toMatch(/did not make its deadline/);
    expect(await cluster.exited).toEqual({ code: 0, signal: null });
    await family.gone();
  });

  it('leaves no process behind when the primary is killed', async () => {
    const { cluster, family, redis } = await startCluster(carrier);
    const reasons = (await cluster.connectToEach()).map(reasonOfDisconnect);

    cluster.process.kill('SIGKILL');

    expect(await Promise.all(reasons)).toEqual(['transport close', 'transport close']);
    await family.gone();
    await redis?.hasNoClients();
  });
});

describe('a program whose Redis is away', () => {
  it.each(entries)('ends in good order all the same, where Redis is down: %s', async (entry) => {
    const { cluster, family, redis } = await startCluster('redis', { entry });
    const [client] = await connectMany(cluster, 1);
    const reason = reasonOfDisconnect(client!);
    const noticed = cluster.says(/Redis at .* cannot be used/);
    await redis!.server.stop();
    await noticed;

    expect(await endOf(cluster)).toEqual(timelyEnd);
    expect(await reason).toBe('transport close');
    await family.gone();
  });

  it.each(entries)('ends in good order all the same, where Redis does not answer: %s', async (entry) => {
    const { cluster, family, redis } = await startCluster('redis', { entry });
    const [client] = await connectMany(cluster, 1);
    const reason = reasonOfDisconnect(client!);
    redis!.server.process.kill('SIGSTOP');

    expect(await endOf(cluster)).toEqual(timelyEnd);
    expect(await reason).toBe('transport close');
    await family.gone();
  });
});

describe('the heartbeat of a program that has ended', () => {
  it('is not heard by the clients of its successor', async () => {
    const { cluster, family, redis } = await startCluster('redis');
    const env = { ...family.env, REDIS_URL: redis!.server.url, REDIS_KEY: 'the-same' };
    await cluster.connect();
    cluster.process.kill('SIGTERM');
    await cluster.exited;

    const successor = await startProgram({ workers: 1, env });

    const heard = await collect<Heartbeat>(open(successor.url), 'heartbeat', ({ length }) => length === 10);
    const first = heard[0]!.sequence;
    expect(heard.map(({ sequence }) => sequence)).toEqual(Array.from({ length: 10 }, (_, index) => first + index));
  });
});

async function connectMany(cluster: RunningProgram, count: number): Promise<Client[]> {
  const clients = Array.from({ length: count }, () => open(cluster.url));
  await Promise.all(clients.map((client) => next(client, 'welcome')));
  return clients;
}
