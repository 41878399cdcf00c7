import { once } from 'node:events';
import openOldClient from 'socket.io-client-2';
import { describe, expect, it, onTestFinished } from 'vitest';
import { startProgram } from '../../support/start-program.js';

describe('a client of Socket.IO 2', () => {
  it.each([[['polling', 'websocket']], [['polling']], [['websocket']]])(
    'is served by any worker over %j with ALLOW_EIO3=true',
    async (transports) => {
      const cluster = await startProgram({ workers: 3, env: { ALLOW_EIO3: 'true' } });

      for (let round = 0; round < 6; round++) {
        const client = open(cluster.url, transports);
        const upgraded = transports.length > 1 ? once(client.io.engine as never, 'upgrade') : undefined;
        const [{ worker }] = (await once(client as never, 'welcome')) as [{ worker: number }];
        await upgraded;
        const where = await new Promise((resolve) => client.emit('whereami', resolve));
        expect(where).toMatchObject({ worker, transport: transports.at(-1) });
      }
    },
  );

  it('is refused by default', async () => {
    const cluster = await startProgram({ workers: 1 });

    const answer = await fetch(`${cluster.url}/socket.io/?EIO=3&transport=polling`);

    expect(answer.status).toBe(400);
    expect(await answer.json()).toEqual({ code: 5, message: 'Unsupported protocol version' });
  });
});

function open(url: string, transports: readonly string[]) {
  const client = openOldClient(url, { transports: [...transports], forceNew: true, reconnection: false });
  onTestFinished(() => client.close());
  return client;
}
