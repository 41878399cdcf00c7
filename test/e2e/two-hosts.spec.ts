import { randomUUID } from 'node:crypto';
import { describe, expect, inject, it } from 'vitest';
import { next, openUntyped } from '../support/clients.js';
import { startProgram } from '../support/start-program.js';

describe('two clusters on one Redis', () => {
  it('are one fleet: a room’s message and a notification reach clients of both', async () => {
    const [here, there] = await startFleet();
    const speaker = (await here.connect()).client;
    const { client: listener, welcome } = await there.connect();
    for (const client of [speaker, listener]) await client.emitWithAck('join', 'lobby');
    const user = openUntyped(`${there.url}/notifications`);
    await user.emitWithAck('subscribe', 'ada');
    const heard = Promise.all([next(speaker, 'said'), next(listener, 'said'), next(user, 'notification')]);

    await speaker.emitWithAck('say', { room: 'lobby', text: 'hello' });
    await fetch(`${here.url}/notifications/ada`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ title: 'hello' }),
    });

    const said = [{ room: 'lobby', text: 'hello', from: speaker.id }];
    expect(await heard).toEqual([said, said, [{ title: 'hello' }]]);
    expect(welcome.host).toBe('host-b');
  });
});

function startFleet() {
  const env = { REDIS_URL: inject('redisUrl'), REDIS_KEY: randomUUID() };
  return Promise.all(
    ['host-a', 'host-b'].map((host) => startProgram({ workers: 2, env: { ...env, HOST_NAME: host } })),
  ).then(([here, there]) => [here!, there!] as const);
}
