import { describe, expect, it } from 'vitest';
import { next } from '../../support/clients.js';
import { eventually } from '../../support/eventually.js';
import { HttpConnection } from '../../support/http-connection.js';
import { isWhole, startSupervised, type SupervisedProgram } from '../../support/start-supervised.js';

const drainMs = 2_000;

describe('a drain', () => {
  it('lets the clients of the slot go spread over its time, and nobody else', async () => {
    const cluster = await startSupervised({ workers: 2, env: { DRAIN_MS: `${drainMs}` } });
    const clients = await Promise.all(Array.from({ length: 80 }, () => cluster.connectTo()));
    const drained = clients.filter(({ slot }) => slot === 1);
    const others = clients.filter(({ slot }) => slot === 2);
    const goneAt: number[] = [];
    for (const { client } of drained) client.once('disconnect', () => void goneAt.push(performance.now()));
    const back = drained.map(({ client }) => next(client, 'connect' as never));

    expect((await cluster.ctl('drain', '1')).code).toBe(0);
    await Promise.all(back);

    expect(goneAt.length).toBe(drained.length);
    const [first, last] = [Math.min(...goneAt), Math.max(...goneAt)];
    expect(last - first).toBeGreaterThan(drainMs / 2);
    expect(mostWithin(drainMs / 10, goneAt)).toBeLessThan(drained.length / 2);
    for (const { client, pid } of others) expect(await client.emitWithAck('whoami')).toEqual({ slot: 2, pid });
    for (const { client, pid } of drained)
      expect((await client.emitWithAck('whoami')) as object).not.toEqual({ slot: 1, pid });
    expect((await cluster.until(isWhole)).exits).toMatchObject({ clean: 1, killed: 0, hung: 0 });
  });

  it('answers 503 with Connection: close on connections that are open, and takes no new ones', async () => {
    const cluster = await startSupervised({ workers: 2, env: { DRAIN_MS: `${drainMs}` } });
    const { client, pid } = await cluster.connectTo(1);
    // The last of the clients goes near the end of the time; until then the worker is there.
    for (let others = 0; others < 10; others++) await cluster.connectTo(1);
    const [connection, health] = [await connectionTo(cluster, 1), await connectionTo(cluster, 1)];

    const draining = cluster.ctl('drain', '1');
    await cluster.until(({ workers }) => workers.some((worker) => worker.pid === pid && worker.state === 'draining'));

    const said = await eventually(
      () => health.get('/health'),
      (answer) => !answer.startsWith('HTTP/1.1 200'),
    );
    expect(said).toMatch(/^HTTP\/1\.1 503 .*connection: close.*"status":"stopping"/is);
    expect(await connection.get('/')).toMatch(/^HTTP\/1\.1 503 .*connection: close.*try again/is);
    for (let attempt = 0; attempt < 6; attempt++) expect((await cluster.connectTo()).pid).not.toBe(pid);
    expect((await draining).code).toBe(0);
    client.disconnect();
  });

  it('closes a client only after the answer that it is owed', async () => {
    const cluster = await startSupervised({ workers: 2, env: { DRAIN_MS: '0' } });
    const { client } = await cluster.connectTo(1);
    const events: string[] = [];
    client.on('disconnect', (reason) => void events.push(reason));

    const answer = client.emitWithAck('answerAfter', 600).then(() => events.push('answer'));
    // Whatever a client says arrives in order.
    await client.emitWithAck('whoami');
    await cluster.ctl('drain', '1');

    await answer;
    expect(events).toEqual(['answer', 'transport close']);
  });

  it('is not held up by clients that do not go, or by an answer that is never given', async () => {
    const cluster = await startSupervised({ workers: 1, env: { DRAIN_MS: '0' } });
    const { client } = await cluster.connectTo(1);
    client.emit('neverAnswer', () => {});
    await client.emitWithAck('whoami');
    const stuck = await HttpConnection.open(cluster.url);
    await stuck.becomeStuckClient();
    await cluster.until(({ workers }) => workers[0]!.connections === 2);

    const startedAt = performance.now();
    expect((await cluster.ctl('drain', '1')).code).toBe(0);

    expect(performance.now() - startedAt).toBeLessThan(8_000);
    expect(stuck.ended).toBe(true);
    expect((await cluster.status()).exits).toMatchObject({ clean: 1, hung: 0, crashed: 0 });
  });
});

/** A kept-alive connection that has been answered by a slot. */
async function connectionTo({ url }: SupervisedProgram, slot: number): Promise<HttpConnection> {
  for (let attempt = 0; attempt < 20; attempt++) {
    const connection = await HttpConnection.open(url);
    if ((await connection.get('/health')).includes(`"worker":${slot}`)) return connection;
  }
  throw new Error(`Slot ${slot} answered no request.`);
}

function mostWithin(windowMs: number, times: readonly number[]): number {
  return Math.max(...times.map((from) => times.filter((at) => at >= from && at < from + windowMs).length));
}
