import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { createAdapter } from '@socket.io/redis-adapter';
import { Server } from 'socket.io';
import { describe, expect, inject, it, onTestFinished } from 'vitest';
import type { ProbeAnswer, ProbeQuestion } from '../fixtures/probe.gateway.js';
import { type CarrierName, carrierEnvironment, carriers } from '../support/carriers.js';
import { openRedisClient, startFleet } from '../support/nodes.js';
import { startProgram } from '../support/start-program.js';

/** Far more than a request takes whose missing answers are not waited for, and far less than the time-out. */
const promptMs = 5_000;
const timeoutMs = 10_000;

describe('the official adapter', () => {
  it('waits for a process that has died until the time is up, and gives nothing of what the others said', async () => {
    const requestsTimeout = 1_500;
    const { key } = startFleet('redis');
    const ear = openRedisClient();
    const asked = new Promise((resolve) => ear.once('message', resolve));
    await ear.subscribe(`${key}-request#/#`);
    const dying = await startStock(key);
    const [publisher, subscriber] = [openRedisClient(), openRedisClient()];
    const server = new Server({ adapter: createAdapter(publisher, subscriber, { key, requestsTimeout }) });
    server.listen(0);
    onTestFinished(() => server.close());
    await subscriber.ping();
    dying.kill('SIGSTOP');

    const since = performance.now();
    const fetched = server.fetchSockets().catch((error: unknown) => error);
    await asked;
    dying.kill('SIGKILL');

    expect(await fetched).toMatchObject({ message: 'timeout reached while waiting for fetchSockets response' });
    expect(await fetched).not.toHaveProperty('responses');
    expect(performance.now() - since).toBeGreaterThan(requestsTimeout * 0.9);
  });
});

describe.each(carriers)('over the %s carrier, a request', (carrier) => {
  it.each(['sockets', 'servers'] as const)('for %s does not wait for a worker that dies meanwhile', async (how) => {
    const { ids, pids, ask, settle } = await start(carrier);
    process.kill(pids[2]!, 'SIGSTOP');

    const asked = ask({ how, timeoutMs });
    await settle();
    process.kill(pids[2]!, 'SIGKILL');

    const { answers, missing, tookMs } = await asked;
    expect(new Set(answers)).toEqual(new Set<unknown>(how === 'sockets' ? ids.slice(0, 2) : [pids[1]]));
    expect(missing).toBeUndefined();
    expect(tookMs).toBeLessThan(how === 'sockets' ? promptMs : 4_000);
  });

  it('for the acknowledgements of clients does not wait for those of a worker that dies meanwhile', async () => {
    const { probes, pids, ask } = await start(carrier);
    const reached = new Promise((resolve) => probes[2]!.once('question', resolve));
    for (const [index, probe] of probes.slice(0, 2).entries()) {
      probe.on('question', (answer: (index: number) => void) => answer(index));
    }

    const asked = ask({ how: 'clients', timeoutMs });
    await reached;
    process.kill(pids[2]!, 'SIGKILL');

    const { answers, missing, tookMs } = await asked;
    expect(new Set(answers)).toEqual(new Set([0, 1]));
    expect(missing).toBeUndefined();
    expect(tookMs).toBeLessThan(promptMs);
  });

  it('names the worker that does not answer in the time that was asked for, with what the others said', async () => {
    const { ids, pids, ask } = await start(carrier);
    process.kill(pids[1]!, 'SIGSTOP');

    const { answers, missing, tookMs } = await ask({ how: 'sockets', timeoutMs: 700 });

    expect(new Set(answers)).toEqual(new Set([ids[0], ids[2]]));
    expect(missing).toEqual(['worker 2 of host-a']);
    expect(tookMs).toBeGreaterThan(600);
    expect(tookMs).toBeLessThan(2_000);
  });
});

/** Three workers with a client each in `/probe`; the first of them asks. */
async function start(carrier: CarrierName) {
  const program = await startProgram({
    entry: 'dist/test/fixtures/probe.cluster.js',
    workers: 3,
    env: { ...carrierEnvironment(carrier), HOST_NAME: 'host-a', HEARTBEAT_INTERVAL_MS: '60000' },
  });
  const clients = await program.connectToEach();
  const probes = clients.map((client) => client.io.socket('/probe'));
  await Promise.all(probes.map((probe) => new Promise((resolve) => probe.once('connect', () => resolve(true)))));
  const bySlot = await program.workerPids();
  const [first] = probes;
  return {
    probes,
    ids: probes.map(({ id }) => id!),
    pids: [1, 2, 3].map((slot) => bySlot.get(slot)!),
    ask: (question: ProbeQuestion) => first!.emitWithAck('ask', question) as Promise<ProbeAnswer>,
    /** What was asked before has left the worker. */
    settle: async () => {
      for (let round = 0; round < 3; round++) await first!.emitWithAck('join', 'anything');
    },
  };
}

async function startStock(key: string): Promise<ChildProcess> {
  const program = spawn(process.execPath, ['test/fixtures/stock.server.mjs'], {
    env: { ...process.env, REDIS_URL: inject('redisUrl'), REDIS_KEY: key },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  onTestFinished(() => void program.kill('SIGKILL'));
  await once(createInterface({ input: program.stdout }), 'line');
  return program;
}
