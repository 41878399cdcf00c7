import { once } from 'node:events';
import { readdirSync, readlinkSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { eventually } from '../../support/eventually.js';
import { childrenOf, isAlive, type RunningProgram, startProgram } from '../../support/start-program.js';

describe('a connection that was dealt to a worker which dies before it takes it', () => {
  it('stays open and unanswered with Node’s cluster as it is', async () => {
    const cluster = await startProgram({ entry: 'test/fixtures/stock.cluster.mjs' });
    const [victim] = await childrenOf(cluster.process.pid!);

    const forkedAgain = cluster.says(/ready at/);
    const connection = await dealTo(victim!, cluster);
    await forkedAgain;
    expect(await (await fetch(cluster.url)).text()).toBe('served');

    expect(connection.closed).toBe(false);
  });

  it('is closed here, so that its client comes again', async () => {
    const cluster = await startProgram({ workers: 1, env: { LISTEN: 'round-robin' } });
    const victim = (await cluster.workerPids()).get(1)!;

    const connection = await dealTo(victim, cluster);

    if (!connection.closed) await once(connection, 'close');
    expect(connection.bytesRead).toBe(0);
    await eventually(
      () => fetch(cluster.url).then(({ status }) => status, String),
      (answer) => answer === 200,
    );
  });
});

/** A connection with a request on it, that a worker was dealt and could not take before it was killed. */
async function dealTo(victim: number, { url, process: primary }: RunningProgram): Promise<Socket> {
  process.kill(victim, 'SIGSTOP');
  const before = socketsOf(primary.pid!);
  const { hostname, port } = new URL(url);
  const connection = connect(Number(port), hostname);
  onTestFinished(() => void connection.destroy());
  connection.on('error', () => {}).resume();
  await once(connection, 'connect');
  connection.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n');
  await eventually(
    () => socketsOf(primary.pid!),
    (sockets) => sockets > before,
  );
  process.kill(victim, 'SIGKILL');
  await eventually(
    () => isAlive(victim),
    (alive) => !alive,
  );
  return connection;
}

/** How many sockets a process has open. */
function socketsOf(pid: number): number {
  const folder = `/proc/${pid}/fd`;
  return readdirSync(folder).filter((name) => linkAt(`${folder}/${name}`).startsWith('socket:')).length;
}

/** What is closed meanwhile leads nowhere. */
function linkAt(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}
