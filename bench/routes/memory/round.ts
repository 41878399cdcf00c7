import { randomUUID } from 'node:crypto';
import { readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { TaskProcess, type Tasks } from '../../support/task-process.js';
import type { ClientTasks } from './client-process.js';
import type { MemoryContestant } from './contestants.js';
import { type Consumer, consumersPerClient, consumersOf } from './heap-snapshot.js';
import type { Memory, MemoryServerTasks } from './server-process.js';

export const idleClients = 5_000;
export const snapshotClients = 1_000;
const clientProcesses = 2;
/** Compiles the code and fills what is kept for the next clients, before the memory without clients is taken. */
const warmUpClients = 200;

/** Bytes for each idle connection. @throws Error when not every client stayed connected. */
export function memoryPerConnection(contestant: MemoryContestant, redisUrl: string): Promise<Memory> {
  return withClients(contestant, redisUrl, idleClients, async (server, connectAll) => {
    const before = await server.run('memory');
    await connectAll();
    const after = await server.run('memory');
    const each = (what: keyof Memory): number => (after[what] - before[what]) / idleClients;
    return { resident: each('resident'), heap: each('heap'), external: each('external') };
  });
}

/** What the heap of a connection consists of. */
export function heapPerConnection(contestant: MemoryContestant, redisUrl: string): Promise<readonly Consumer[]> {
  return withClients(contestant, redisUrl, snapshotClients, async (server, connectAll) => {
    const before = await snapshotOf(server);
    await connectAll();
    return consumersPerClient(before, await snapshotOf(server), snapshotClients);
  });
}

async function withClients<Result>(
  contestant: MemoryContestant,
  redisUrl: string,
  clients: number,
  measure: (server: TaskProcess<MemoryServerTasks>, connectAll: () => Promise<void>) => Promise<Result>,
): Promise<Result> {
  const server = start<MemoryServerTasks>('server-process.js');
  const fleets = Array.from({ length: clientProcesses }, () => start<ClientTasks>('client-process.js'));
  const each = clients / clientProcesses;
  try {
    const port = await server.run('start', { contestant, redisUrl });
    await fleets[0]!.run('connect', { port, count: warmUpClients });
    await fleets[0]!.run('disconnect');
    const result = await measure(server, async () => {
      for (const fleet of fleets) await fleet.run('connect', { port, count: each });
    });
    for (const fleet of fleets) {
      const open = await fleet.run('open');
      if (open !== each) throw new Error(`${contestant} kept ${open} of ${each} clients: its memory has no figure.`);
    }
    return result;
  } finally {
    await Promise.all([server, ...fleets].map((child) => child.stop()));
  }
}

async function snapshotOf(server: TaskProcess<MemoryServerTasks>) {
  const file = path.join(tmpdir(), `${randomUUID()}.heapsnapshot`);
  try {
    await server.run('memory');
    await server.run('snapshot', file);
    return consumersOf(await readFile(file, 'utf8'));
  } finally {
    await rm(file, { force: true });
  }
}

function start<T extends Tasks>(file: string): TaskProcess<T> {
  return TaskProcess.start<T>(path.join(import.meta.dirname, file), { execArgv: ['--expose-gc'] });
}
