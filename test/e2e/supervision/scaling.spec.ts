import { describe, expect, it } from 'vitest';
import { next } from '../../support/clients.js';
import { isWhole, pidsOf, startSupervised, type SupervisedProgram } from '../../support/start-supervised.js';

describe('ctl scale', () => {
  it('keeps as many workers as it says, and clients of a slot that goes come back elsewhere', async () => {
    const cluster = await startSupervised({ workers: 1, env: { DRAIN_MS: '300' } });
    const first = pidsOf(await cluster.status());

    expect((await cluster.ctl('scale', '6')).code).toBe(0);
    const six = await cluster.status();
    expect(six.wanted).toBe(6);
    expect(six.workers.map(({ slot, state }) => `${slot} ${state}`)).toEqual(
      [1, 2, 3, 4, 5, 6].map((n) => `${n} ready`),
    );
    expect(pidsOf(six)[0]).toBe(first[0]);
    const clients = await Promise.all([3, 4, 5, 6].map((slot) => cluster.connectTo(slot)));
    const back = clients.map(({ client }) => next(client, 'connect' as never));

    expect((await cluster.ctl('scale', '2')).code).toBe(0);
    const two = await cluster.status();
    expect(two).toMatchObject({ wanted: 2, exits: { clean: 4 } });
    expect(pidsOf(two)).toEqual(pidsOf(six).slice(0, 2));
    await Promise.all(back);
    for (const { client } of clients) {
      const { pid } = (await client.emitWithAck('whoami')) as { pid: number };
      expect(pidsOf(two)).toContain(pid);
    }
  });
});

describe('SIGTTIN and SIGTTOU', () => {
  it('keep one worker more or fewer, but never fewer than one', async () => {
    const cluster = await startSupervised({ workers: 2, env: { DRAIN_MS: '0' } });

    await signalled(cluster, 'SIGTTIN', 3);
    await signalled(cluster, 'SIGTTOU', 2);
    await signalled(cluster, 'SIGTTOU', 1);
    const [pid] = pidsOf(await cluster.status());
    await signalled(cluster, 'SIGTTOU', 1);

    expect(pidsOf(await cluster.status())).toEqual([pid]);
    expect((await cluster.connectTo(1)).pid).toBe(pid);
  });

  it('start nothing more while the program ends', async () => {
    const cluster = await startSupervised({ workers: 2, env: { SHUTDOWN_DRAIN_MS: '4000' } });
    for (let clients = 0; clients < 20; clients++) await cluster.connectTo();

    cluster.process.kill('SIGTERM');
    await cluster.until(({ wanted }) => wanted === 0);
    cluster.process.kill('SIGTTIN');

    expect(await cluster.exited).toEqual({ code: 0, signal: null });
    expect(cluster.output()).not.toContain('cutting what is left');
  });
});

async function signalled(cluster: SupervisedProgram, signal: NodeJS.Signals, workers: number): Promise<void> {
  const said = cluster.says(new RegExp(`keeping ${workers} workers? from now on`));
  cluster.process.kill(signal);
  await said;
  await cluster.until((status) => status.wanted === workers && isWhole(status));
}
