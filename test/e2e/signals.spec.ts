import { describe, expect, it } from 'vitest';
import { allSaidBy, endOf, holdRequest, reasonOfDisconnect, startCluster } from '../support/endings.js';
import { eventually, type Family, markFamily } from '../support/processes.js';
import { childrenOf, type RunningProgram, runToEnd, startCommand } from '../support/start-program.js';

const entries = ['dist/main.cluster.js', 'dist/src/main.js'] as const;
const signals = ['SIGTERM', 'SIGINT'] as const;

describe('one signal', () => {
  it.each(entries)('is enough where a client holds a request: %s', async (entry) => {
    const { cluster, family } = await startCluster('embedded', { entry });
    await holdRequest(cluster);

    expect(await endOf(cluster)).toEqual({ code: 0, signal: null, withinTenSeconds: true });
    await family.gone();
  });

  it('is enough where a worker does not react: it is killed after its time', async () => {
    const { cluster, family } = await startCluster('embedded', { env: { SHUTDOWN_TIMEOUT_MS: '500' } });
    process.kill((await cluster.workerPids()).get(2)!, 'SIGSTOP');
    const killed = cluster.says(/worker 2 did not make its deadline \(draining\): killing it/);

    cluster.process.kill('SIGTERM');

    await killed;
    expect(await cluster.exited).toEqual({ code: 0, signal: null });
    await family.gone();
  });

  it('to npm alone reaches the program, and nothing is left', async () => {
    const { cluster, family } = await startCommandCluster(['npm', 'run', 'start:prod']);
    const reasons = (await cluster.connectToEach()).map(reasonOfDisconnect);

    cluster.process.kill('SIGTERM');

    expect(await Promise.all(reasons)).toEqual(['transport close', 'transport close']);
    await cluster.exited;
    await family.gone();
  });

  it.each(signals)(
    'to the whole process group ends it in good order, as Ctrl-C or a service does: %s',
    async (signal) => {
      const { cluster, family } = await startCommandCluster(['setsid', process.execPath, 'dist/main.cluster.js']);
      const reasons = (await cluster.connectToEach()).map(reasonOfDisconnect);

      process.kill(-cluster.process.pid!, signal);

      expect(await allSaidBy(cluster)).not.toMatch(/exited unexpectedly|did not make its deadline/);
      expect(await Promise.all(reasons)).toEqual(['transport close', 'transport close']);
      expect(await cluster.exited).toEqual({ code: 0, signal: null });
      await family.gone();
    },
  );

  it('to npm and its whole process group, as Ctrl-C sends it, ends it in good order', async () => {
    const { cluster, family } = await startCommandCluster(['setsid', 'npm', 'run', 'start:prod']);
    await holdRequest(cluster);

    process.kill(-cluster.process.pid!, 'SIGINT');

    expect(await cluster.exited).toEqual({ code: 0, signal: null });
    await family.gone();
  });

  // npm passes on what the process has had from its group already.
  it.each(signals)('that comes again in the same breath is still one: %s', async (signal) => {
    const { cluster, family } = await startCluster('embedded');
    await holdRequest(cluster);

    const breath = performance.now() + 20;
    while (performance.now() < breath) cluster.process.kill(signal);

    expect(await cluster.exited).toEqual({ code: 0, signal: null });
    await family.gone();
  });
});

describe('a second signal', () => {
  it.each([
    ['SIGTERM', 143],
    ['SIGINT', 130],
  ] as const)('ends a cluster at once that waits for a worker: %s, code %i', async (signal, code) => {
    const { cluster, family } = await startCluster('embedded', { env: { SHUTDOWN_TIMEOUT_MS: '120000' } });
    const [client] = await cluster.connectToEach();
    const ending = reasonOfDisconnect(client!);
    process.kill((await cluster.workerPids()).get(2)!, 'SIGSTOP');
    cluster.process.kill(signal);
    await ending;

    expect(await insist(cluster, signal)).toEqual({ code, signal: null });
    await family.gone();
  });

  it('ends one process at once that waits for a client’s request', async () => {
    const { cluster, family } = await startCluster('embedded', { entry: 'dist/src/main.js' });
    await holdRequest(cluster);
    const ending = reasonOfDisconnect((await cluster.connect()).client);
    cluster.process.kill('SIGTERM');
    await ending;

    expect(await insist(cluster, 'SIGTERM')).toEqual({ code: 143, signal: null });
    await family.gone();
  });
});

describe('a program that is told to end while it starts', () => {
  it.each([
    ['SIGTERM', 143],
    ['SIGINT', 130],
  ] as const)('ends at once, with the workers it has forked: %s, code %i', async (signal, code) => {
    const family = markFamily();
    const ended = runToEnd({ workers: 4, env: family.env });
    await eventually(
      () => family.alive(),
      ({ length }) => length > 1,
      'No worker has been forked',
    );

    process.kill(await primaryOf(family), signal);

    expect(await ended).toMatchObject({ code });
    await family.gone();
  });
});

async function startCommandCluster(command: readonly [string, ...string[]]) {
  const family = markFamily();
  return { cluster: await startCommand(command, { workers: 2, env: family.env }), family };
}

/** The one that has started the others. */
async function primaryOf(family: Family): Promise<number> {
  for (const pid of await family.alive()) if ((await childrenOf(pid)).length > 0) return pid;
  throw new Error('No process has started another.');
}

/** Signals again until it has ended: a signal that follows at once may be the echo of the one before. */
async function insist(cluster: RunningProgram, signal: NodeJS.Signals) {
  const repeat = setInterval(() => cluster.process.kill(signal), 50);
  try {
    return await cluster.exited;
  } finally {
    clearInterval(repeat);
  }
}
