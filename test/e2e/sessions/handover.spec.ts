import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { next, openUntyped } from '../../support/clients.js';
import { sendCrowd } from '../../support/crowd.js';
import { startProgram } from '../../support/start-program.js';
import { isWhole, startSupervised } from '../../support/start-supervised.js';
import type { SeenUpgrade } from '../../fixtures/probe.gateway.js';

const probe = 'dist/test/fixtures/probe.cluster.js';

describe('an upgrade that lands on another worker', () => {
  it('ends on the worker that owns the session, which sees the address and the headers of the client', async () => {
    const cluster = await startProgram({ entry: probe, workers: 3 });
    const owners = new Set<number>();

    for (let round = 0; round < 9; round++) {
      const client = openUntyped(`${cluster.url}/probe`, {
        transports: ['polling', 'websocket'],
        extraHeaders: { 'X-Round': `${round}` },
        localAddress: `127.0.0.${round + 2}`,
      } as object);
      await once(client.io.engine as never, 'upgrade');
      const seen = (await client.emitWithAck('upgrade')) as SeenUpgrade;
      expect(seen).toMatchObject({
        remotePort: expect.any(Number) as number,
        headers: { 'x-round': `${round}`, upgrade: 'websocket', host: new URL(cluster.url).host },
      });
      expect(seen.remoteAddress).toMatch(/127\.0\.0\.\d+$|::1$/);
      owners.add(seen.pid);
    }

    expect(owners.size).toBe(3);
  });

  it('does not keep the worker from closing that handed it over', async () => {
    const cluster = await startSupervised({ workers: 2, env: { DRAIN_MS: '0', SHUTDOWN_TIMEOUT_MS: '5000' } });
    await sendCrowd(cluster.url, 'default', { clients: 40, events: 2 });
    const replaced = cluster.says(/all 2 workers have been replaced/);

    expect(await cluster.ctl('reload')).toMatchObject({ code: 0 });

    await replaced;
    expect(await cluster.status()).toSatisfy(isWhole);
    expect(cluster.output()).not.toMatch(/not everything ended|did not make its deadline|exited unexpectedly/);
  });

  it('carries the messages of its client from then on, in order', async () => {
    const cluster = await startProgram({ workers: 4 });

    for (let round = 0; round < 8; round++) {
      const client = openUntyped(cluster.url, { transports: ['polling', 'websocket'] });
      const upgraded = once(client.io.engine as never, 'upgrade');
      await next(client as never, 'welcome' as never);
      const heard: string[] = [];
      client.on('said', ({ text }: { text: string }) => void heard.push(text));
      await client.emitWithAck('join', `room ${round}`);
      const texts = Array.from({ length: 50 }, (_, index) => `${index}`);
      // Some leave before the upgrade, some during it, some after.
      const answers = texts.map(async (text, index) => {
        if (index === 25) await upgraded;
        return await client.emitWithAck('say', { room: `room ${round}`, text });
      });
      expect(await Promise.all(answers)).toEqual(texts.map(() => true));
      await upgraded;
      expect(heard.toSorted((a, b) => Number(a) - Number(b))).toEqual(texts);
      client.disconnect();
    }
  });
});
