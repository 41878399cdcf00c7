import { readFile } from 'node:fs/promises';
import type { BacklogCommand } from '../fixtures/backlog.server.js';
import type { SlowClientsOptions } from '../../src/slow-clients.js';
import { RawClient } from './raw-client.js';
import { startTold } from './told-process.js';

export interface BacklogServer {
  readonly url: string;
  /** Broadcasts so many texts of so many bytes, some in each turn, and then a fence. */
  say(what: Omit<Extract<BacklogCommand, { type: 'say' }>, 'type'>): Promise<void>;
  /** What the process holds and cannot throw away, in bytes. */
  measure(): Promise<number>;
}

/** Clients that do not read are let be. */
const withoutBound: SlowClientsOptions = { bufferBytes: 2 ** 30, bufferAgeMs: 600_000 };

/** A server in a process of its own, whose memory holds nothing of the test. It ends with the test. */
export async function startBacklogServer(slowClients: SlowClientsOptions = withoutBound): Promise<BacklogServer> {
  const { said: port, tell } = await startTold<BacklogCommand>('backlog.server.js', slowClients);
  return {
    url: `http://127.0.0.1:${String(port)}`,
    say: async (what) => void (await tell({ type: 'say', ...what })),
    measure: async () => (await tell({ type: 'measure' })) as number,
  };
}

export interface Backlog {
  /** The bytes that wait in the server's process, for the client for which most wait. */
  readonly waiting: number;
  /** How much more the process holds with them than without. */
  readonly held: number;
  /** How much more it holds once they have been read. */
  readonly left: number;
  readonly clients: readonly RawClient[];
}

/** Sends to clients that do not read, and has them read all of it afterwards. */
export async function pileUp(
  clientCount: number,
  what: Omit<Extract<BacklogCommand, { type: 'say' }>, 'type'>,
): Promise<Backlog> {
  const server = await startBacklogServer();
  const clients: RawClient[] = [];
  for (let count = 0; count < clientCount; count++) clients.push(await RawClient.connect(server.url));
  await hearAll(clients, () => server.say({ ...what, messages: Math.min(what.messages, 20_000) }));
  const before = await server.measure();

  for (const client of clients) client.pause();
  const read = clients.map(({ bytes }) => bytes);
  await server.say(what);
  const held = (await server.measure()) - before;
  const outside = await Promise.all(clients.map(({ socket }) => bytesInKernel(socket.localPort!)));
  await hearAll(clients, () => {
    for (const client of clients) client.resume();
  });
  const waiting = Math.max(...clients.map(({ bytes }, index) => bytes - read[index]! - outside[index]!));
  return { waiting, held, left: (await server.measure()) - before, clients };
}

/** The first message that is not where it belongs; as many as there are when each is. */
export function firstOutOfOrder({ frames }: RawClient): number {
  const events = frames.filter((frame) => typeof frame === 'string' && frame.startsWith('42["said",'));
  const wrong = events.findIndex((event, index) => !event.toString().startsWith(`42["said",${index},`));
  return wrong === -1 ? events.length : wrong;
}

async function hearAll(clients: readonly RawClient[], act: () => unknown): Promise<void> {
  for (const client of clients) client.frames.length = 0;
  await act();
  await Promise.all(clients.map((client) => client.heard('fence')));
}

/** What has left the sender's process and has not been read yet, of the connection of that port on this host. */
async function bytesInKernel(port: number): Promise<number> {
  const hex = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const lines = (await readFile('/proc/net/tcp', 'utf8')).split('\n').slice(1);
  const queues = lines.flatMap((line) => {
    const [, local, remote, , sizes] = line.trim().split(/\s+/);
    const [toSend, toRead] = (sizes ?? '').split(':').map((size) => Number.parseInt(size, 16));
    if (local?.endsWith(hex)) return [toRead!];
    return remote?.endsWith(hex) ? [toSend!] : [];
  });
  return queues.reduce((sum, size) => sum + size, 0);
}
