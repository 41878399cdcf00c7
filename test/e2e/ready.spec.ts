import { describe, expect, it } from 'vitest';
import { carrierEnvironment, carriers } from '../support/carriers.js';
import { next } from '../support/clients.js';
import { eventually } from '../support/processes.js';
import { type RunningProgram, startProgram } from '../support/start-program.js';

describe.each(carriers)('a cluster over the %s carrier', (carrier) => {
  const env = carrierEnvironment(carrier);

  it('says in one line where it is ready, with how many workers, and over which carrier', async () => {
    const cluster = await startProgram({ workers: 2, env });

    expect(cluster.readyLine).toMatch(
      new RegExp(`\\[primary\\].* cluster ready at http://localhost:\\d+: 2 workers, ${carrier} carrier$`),
    );
    expect(
      cluster
        .output()
        .split('\n')
        .filter((line) => /ready at/.test(line)),
    ).toHaveLength(1);
  });

  it('welcomes clients from every slot, behind the one port that it chose', async () => {
    const cluster = await startProgram({ workers: 4, env });

    const clients = await cluster.connectToEach();

    const whereabouts = await Promise.all(clients.map((client) => client.emitWithAck('whereami')));
    expect(whereabouts).toMatchObject([{ worker: 1 }, { worker: 2 }, { worker: 3 }, { worker: 4 }]);
    expect((await fetch(`${cluster.url}/health`)).status).toBe(200);
  });

  it('forks a worker that was killed into its slot again, and its clients come back by themselves', async () => {
    const cluster = await startProgram({ workers: 2, env });
    const [, client] = await cluster.connectToEach();
    const before = await cluster.workerPids();
    const said = cluster.says(/worker 2 exited unexpectedly \(killed, SIGKILL\): forking it again at once/);
    const welcomedAgain = next(client!, 'welcome');

    process.kill(before.get(2)!, 'SIGKILL');

    await said;
    await welcomedAgain;
    await servesFrom(cluster, 2);
    const after = await cluster.workerPids();
    expect(new Set(after.keys())).toEqual(new Set([1, 2]));
    expect(after.get(1)).toBe(before.get(1));
    expect(after.get(2)).not.toBe(before.get(2));
  });
});

describe('the port that PORT=0 takes', () => {
  it('is kept when the only worker is killed, so that its clients find its replacement', async () => {
    const cluster = await startProgram({ workers: 1 });
    const { client, welcome } = await cluster.connect();
    const welcomedAgain = next(client, 'welcome');

    process.kill((await cluster.workerPids()).get(1)!, 'SIGKILL');

    expect(await welcomedAgain).toEqual([welcome]);
    expect((await cluster.connect()).welcome).toEqual(welcome);
  });
});

describe('a worker that dies twice in a row', () => {
  it('is forked after a pause, and serves then', async () => {
    const cluster = await startProgram({ workers: 2 });
    const forkedAtOnce = cluster.says(/worker 2 exited unexpectedly \(killed, SIGKILL\): forking it again at once$/);
    const first = (await cluster.workerPids()).get(2)!;
    process.kill(first, 'SIGKILL');
    await forkedAtOnce;
    const second = await replacementOf(cluster, 2, first);
    const forkedLater = cluster.says(
      /worker 2 exited unexpectedly \((?:killed|failed to boot), SIGKILL\): forking it again in \d+ ms$/,
    );

    process.kill(second, 'SIGKILL');

    const [, pauseMs] = /in (\d+) ms$/.exec(await forkedLater)!;
    expect(Number(pauseMs)).toBeGreaterThanOrEqual(125);
    expect(Number(pauseMs)).toBeLessThanOrEqual(250);
    await servesFrom(cluster, 2);
  });
});

/** A worker that comes back says nothing: it is there when it welcomes a client. */
async function servesFrom(cluster: RunningProgram, slot: number): Promise<void> {
  const look = async (): Promise<number> => {
    const { client, welcome } = await cluster.connect();
    client.disconnect();
    return welcome.worker;
  };
  await eventually(look, (worker) => worker === slot, `No client comes to worker ${slot}`);
}

async function replacementOf(cluster: RunningProgram, slot: number, pid: number): Promise<number> {
  const look = async (): Promise<number> => (await cluster.workerPids()).get(slot) ?? pid;
  await eventually(look, (found) => found !== pid, `Nothing replaces worker ${slot}`);
  return await look();
}
