import { describe, expect, it } from 'vitest';
import { carrierEnvironment, carriers } from '../support/carriers.js';
import { startProgram } from '../support/start-program.js';

describe('DEBUG=socket.io*', () => {
  it.each(carriers)(
    'shows over the %s carrier what the official packages do in primary and workers',
    async (carrier) => {
      const cluster = await startProgram({ workers: 1, env: { ...carrierEnvironment(carrier), DEBUG: 'socket.io*' } });
      const fromPrimary = cluster.says(/ socket\.io-emitter publishing message to channel /);
      const fromWorker = cluster.says(/ socket\.io:socket join room lobby/);

      const { client } = await cluster.connect();
      await client.emitWithAck('join', 'lobby');

      expect(await fromPrimary).toMatch(/#\/#/);
      expect(await fromWorker).toContain('join room lobby');
    },
  );
});
