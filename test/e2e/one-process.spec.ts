import { cp, mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Heartbeat } from '../../src/events.js';
import { carrierEnvironment, carriers } from '../support/carriers.js';
import { collect, connect, next, openUntyped } from '../support/clients.js';
import { markFamily } from '../support/processes.js';
import { type RunningProgram, startCommand, startProgram } from '../support/start-program.js';

describe.each(carriers)('one process over the %s carrier', (carrier) => {
  it('says in one line that it is ready', async () => {
    const { readyLine } = await start();

    expect(readyLine).toMatch(new RegExp(`ready at http://localhost:\\d+: one process, ${carrier} carrier$`));
  });

  it('welcomes a client as worker 1, and tells it the same when asked', async () => {
    const { client, welcome } = await (await start({ HOST_NAME: 'host-a' })).connect();

    expect(welcome).toEqual({ worker: 1, host: 'host-a', message: 'connected to worker: 1' });
    expect(await client.emitWithAck('whereami')).toEqual({
      worker: 1,
      host: 'host-a',
      id: client.id,
      transport: 'websocket',
    });
  });

  it('tells each client each beat once, without a gap', async () => {
    const program = await start();
    const clients = await Promise.all([program.connect(), program.connect()]);

    const heard = await Promise.all(
      clients.map(({ client }) => collect<Heartbeat>(client, 'heartbeat', ({ length }) => length === 15)),
    );

    for (const beats of heard) {
      const first = beats[0]!.sequence;
      expect(beats.map(({ sequence }) => sequence)).toEqual(Array.from({ length: 15 }, (_, index) => first + index));
    }
  });

  it('carries what is said in a room to its members, and to nobody who has left', async () => {
    const program = await start();
    const [speaker, member, leaver] = await Promise.all([1, 2, 3].map(async () => (await program.connect()).client));
    for (const client of [member!, leaver!]) await client.emitWithAck('join', 'lobby');
    await leaver!.emitWithAck('leave', 'lobby');
    await leaver!.emitWithAck('join', 'elsewhere');
    const [heard, fence] = [next(member!, 'said'), next(leaver!, 'said')];

    await speaker!.emitWithAck('say', { room: 'lobby', text: 'hello' });
    await speaker!.emitWithAck('say', { room: 'elsewhere', text: 'fence' });

    expect(await heard).toEqual([{ room: 'lobby', text: 'hello', from: speaker!.id }]);
    expect(await fence).toEqual([{ room: 'elsewhere', text: 'fence', from: speaker!.id }]);
  });

  it('carries a notification to its user, and to nobody else', async () => {
    const program = await start();
    const [ada, bob] = ['ada', 'bob'].map(() => openUntyped(`${program.url}/notifications`));
    await ada!.emitWithAck('subscribe', 'ada');
    await bob!.emitWithAck('subscribe', 'bob');
    const [forAda, forBob] = [ada!, bob!].map((client) =>
      collect(client, 'notification', ({ length }) => length === 1),
    );

    for (const user of ['ada', 'bob']) expect((await notify(program, user, `for ${user}`)).status).toBe(202);

    expect(await forAda).toEqual([{ title: 'for ada' }]);
    expect(await forBob).toEqual([{ title: 'for bob' }]);
  });

  function start(env: NodeJS.ProcessEnv = {}): Promise<RunningProgram> {
    return startProgram({ entry: 'dist/src/main.js', env: { ...carrierEnvironment(carrier), ...env } });
  }
});

describe('npm start', () => {
  it('builds and serves, and ends with everything it has started on SIGTERM', async () => {
    const family = markFamily();
    const program = await startCommand(['npm', '--prefix', await copyProject(), 'start'], { env: family.env });
    const { client, welcome } = await connect(program.url);
    const reason = next(client as never, 'disconnect' as never);
    expect(welcome).toMatchObject({ worker: 1 });

    program.process.kill('SIGTERM');

    expect(await reason).toContain('transport close');
    await program.exited;
    await family.gone();
  });
});

function notify({ url }: RunningProgram, user: string, title: string): Promise<Response> {
  return fetch(`${url}/notifications/${user}`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ title }),
  });
}

/** `npm start` builds; in a folder of its own it does not take the built program away from other tests. */
async function copyProject(): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), 'nest-io-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const files = [
    'package.json',
    'nest-cli.json',
    'tsconfig.json',
    'tsconfig.build.json',
    'main.cluster.ts',
    'src',
    'web',
  ];
  await Promise.all(files.map((file) => cp(file, path.join(folder, file), { recursive: true })));
  await symlink(path.resolve('node_modules'), path.join(folder, 'node_modules'));
  return folder;
}
