import { once } from 'node:events';
import http from 'node:http';
import { existsSync, readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { carrierEnvironment, carriers } from '../../support/carriers.js';
import { open, openUntyped } from '../../support/clients.js';
import { answerTo, ask, beginSession, openRequest, unknownSession } from '../../support/engine-requests.js';
import { eventually } from '../../support/eventually.js';
import { type RunningProgram, startProgram } from '../../support/start-program.js';
import { startSupervised } from '../../support/start-supervised.js';
import { temporaryFolder } from '../../support/temporary-folder.js';

describe.each(carriers)('a session whose worker was killed, over the %s carrier', (carrier) => {
  const env = carrierEnvironment(carrier);

  it('is unknown at once, to a poll that waits and to every later one', async () => {
    const cluster = await startProgram({ workers: 2, env: { ...env, HEARTBEAT_INTERVAL_MS: '600000' } });
    const { url } = cluster;
    const sid = await beginSession(url);
    const [victim, waiting] = await pollThroughAnother(cluster, sid);

    const exited = cluster.says(/exited unexpectedly \(killed, SIGKILL\)/);
    process.kill(victim, 'SIGKILL');

    expect(await answerTo(waiting)).toMatchObject(unknownSession);
    await exited;
    for (let round = 0; round < 4; round++) expect(await ask(url, { sid })).toMatchObject(unknownSession);
  });

  it('is begun anew by its clients, whatever they were doing', async () => {
    const cluster = await startProgram({ workers: 3, env });
    const clients = [['polling'], ['polling', 'websocket'], ['websocket']].flatMap((transports) =>
      Array.from({ length: 10 }, () => open(cluster.url, { transports })),
    );
    const welcomes = clients.map((client) => {
      const heard: number[] = [];
      client.on('welcome', ({ worker }) => void heard.push(worker));
      return heard;
    });
    await eventually(
      () => welcomes.every((heard) => heard.length > 0),
      (all) => all,
    );
    const pids = await cluster.workerPids();
    const lost = welcomes.filter((heard) => heard.at(-1) === 2);
    expect(lost.length).toBeGreaterThan(0);

    // Some of the default clients are in the middle of their upgrade.
    process.kill(pids.get(2)!, 'SIGKILL');

    await eventually(
      () => lost.every((heard) => heard.length > 1),
      (all) => all,
    );
    const answers = await Promise.all(clients.map((client) => client.timeout(20_000).emitWithAck('whereami')));
    expect(answers.map((answer) => 'worker' in answer)).toEqual(clients.map(() => true));
  });
});

describe('a phased replacement', () => {
  it('moves each polling client once, however its requests were spread over the workers', async () => {
    const cluster = await startSupervised({ workers: 3, env: { DRAIN_MS: '1000', SHUTDOWN_TIMEOUT_MS: '20000' } });
    const clients = Array.from({ length: 30 }, () =>
      openUntyped(`${cluster.url}/trouble`, { transports: ['polling'], reconnectionDelay: 50 }),
    );
    await Promise.all(clients.map((client) => client.emitWithAck('whoami')));
    const moves = clients.map(() => 0);
    const reasons: string[] = [];
    clients.forEach((client, index) => {
      client.on('disconnect', (reason) => void reasons.push(reason));
      client.on('connect', () => void moves[index]!++);
    });

    expect(await cluster.ctl('reload')).toMatchObject({ code: 0 });

    await eventually(
      () => moves,
      (all) => all.every((count) => count >= 1),
    );
    await Promise.all(clients.map((client) => client.timeout(20_000).emitWithAck('whoami')));
    expect({ moves, reasons: [...new Set(reasons)] }).toEqual({
      moves: clients.map(() => 1),
      reasons: ['transport close'],
    });
  });

  it('sends nothing of an old worker’s session to the new worker of its slot', async () => {
    const cluster = await startSupervised({ workers: 1, env: { DRAIN_MS: '0' } });
    const sid = await beginSession(cluster.url);

    expect(await cluster.ctl('restart', '1')).toMatchObject({ code: 0 });

    expect(await ask(cluster.url, { sid })).toMatchObject(unknownSession);
  });
});

describe('the private sockets of the workers', () => {
  it('can be opened by the user alone, and go with the worker and with the cluster', async () => {
    const runtimeFolder = temporaryFolder();
    const cluster = await startProgram({ workers: 3, env: { XDG_RUNTIME_DIR: runtimeFolder } });
    const folder = path.join(runtimeFolder, `nest-io-cluster-${process.getuid!()}`);
    const sockets = (): string[] => readdirSync(folder).toSorted();

    const before = sockets();
    expect(before).toHaveLength(3);
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    for (const name of before) expect(statSync(path.join(folder, name)).mode & 0o777).toBe(0o600);

    process.kill((await cluster.workerPids()).get(2)!, 'SIGKILL');
    const after = await eventually(sockets, (names) => names.length === 3 && String(names) !== String(before));
    expect(after.filter((name) => before.includes(name))).toHaveLength(2);

    cluster.process.kill('SIGTERM');
    await cluster.exited;
    expect(sockets()).toEqual([]);
  });

  it('that a killed cluster has left are removed when the next one starts', async () => {
    const env = { XDG_RUNTIME_DIR: temporaryFolder() };
    const folder = path.join(env.XDG_RUNTIME_DIR, `nest-io-cluster-${process.getuid!()}`);
    const killed = await startProgram({ workers: 2, env });
    const left = readdirSync(folder);
    const pids = [...(await killed.workerPids()).values()];
    for (const pid of pids) process.kill(pid, 'SIGSTOP');
    killed.process.kill('SIGKILL');
    for (const pid of pids) process.kill(pid, 'SIGKILL');
    await killed.exited;
    expect(left.map((name) => existsSync(path.join(folder, name)))).toEqual([true, true]);

    await startProgram({ workers: 2, env });

    expect(left.map((name) => existsSync(path.join(folder, name)))).toEqual([false, false]);
    expect(readdirSync(folder)).toHaveLength(2);
  });
});

/** A poll that waits at its owner, brought there by the other worker; with the owner's process id. */
async function pollThroughAnother(
  { url, workerPids }: Pick<RunningProgram, 'url' | 'workerPids'>,
  sid: string,
): Promise<[owner: number, poll: http.ClientRequest]> {
  const slot = Buffer.from(sid, 'base64url').readUInt16BE(5);
  const owner = (await workerPids()).get(slot)!;
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  onTestFinished(() => agent.destroy());
  for (;;) {
    const { body } = await ask(url, { agent });
    const { sid: probe } = JSON.parse(body.slice(1)) as { sid: string };
    // A connection that stays open stays with the worker that began a session over it.
    if (Buffer.from(probe, 'base64url').readUInt16BE(5) !== slot) break;
    agent.destroy();
  }
  const poll = openRequest(url, { sid, agent });
  poll.on('error', () => {});
  poll.end();
  await once(poll, 'finish');
  return [owner, poll];
}
