import { describe, expect, it } from 'vitest';
import { next } from '../../support/clients.js';
import { isWhole, pidsOf, startSupervised } from '../../support/start-supervised.js';

const timeoutMs = 2_000;

describe('a worker that loops for ever', () => {
  it('is told to end, then killed, and replaced in its slot while its siblings serve on', async () => {
    const cluster = await startSupervised({ workers: 2, env: { WORKER_TIMEOUT_MS: `${timeoutMs}` } });
    const [victim, sibling] = [await cluster.connectTo(1), await cluster.connectTo(2)];
    const back = next(victim.client, 'connect' as never);
    const told = cluster.says(/worker 1 has been silent for 2000 ms: terminating it/);
    const killed = cluster.says(/worker 1 did not make its deadline \(draining\): killing it/);

    const startedAt = performance.now();
    victim.client.emit('loop');

    await told;
    expect(performance.now() - startedAt).toBeGreaterThan(timeoutMs - 1_000);
    await killed;
    const status = await cluster.until((each) => isWhole(each) && each.exits.hung === 1);
    expect(status.workers).toMatchObject([
      { slot: 1, restarts: 1 },
      { slot: 2, pid: sibling.pid, restarts: 0 },
    ]);
    expect(pidsOf(status)).not.toContain(victim.pid);
    await back;
    expect(await sibling.client.emitWithAck('whoami')).toEqual({ slot: 2, pid: sibling.pid });
  });
});

describe('a worker that is silent but can still end', () => {
  it('lets its clients go on SIGTERM, and counts as hung all the same', async () => {
    const cluster = await startSupervised({ workers: 2, env: { WORKER_TIMEOUT_MS: `${timeoutMs}` } });
    const { client, pid } = await cluster.connectTo(1);
    const left = next(client, 'disconnect' as never);

    await client.emitWithAck('fallSilent');

    expect(await left).toContain('transport close');
    const status = await cluster.until((each) => isWhole(each) && each.exits.hung === 1);
    expect(pidsOf(status)).not.toContain(pid);
    expect(cluster.output()).not.toContain('killing it');
  });
});

describe('a primary that was stopped for longer than its workers may be silent', () => {
  it('does not take them for hanging when it goes on', async () => {
    const cluster = await startSupervised({ workers: 2, env: { WORKER_TIMEOUT_MS: `${timeoutMs}` } });
    const before = pidsOf(await cluster.status());
    const { client } = await cluster.connectTo(1);

    cluster.process.kill('SIGSTOP');
    await client.emitWithAck('answerAfter', timeoutMs + 500);
    cluster.process.kill('SIGCONT');

    // A worker that was told to end would let its clients go before it answers.
    await client.emitWithAck('answerAfter', 500);
    const { workers, exits } = await cluster.status();
    expect(workers.map(({ pid, state }) => ({ pid, state }))).toEqual(before.map((pid) => ({ pid, state: 'ready' })));
    expect(exits.hung).toBe(0);
  });
});
