import type { ChildProcess } from 'node:child_process';
import path from 'node:path';
import { end, news, start } from '../support/children.js';
import type { ClientCommand, ClientNews } from './client-process.js';
import type { Contestant } from './contestants.js';
import type { ServerNews, Usage } from './server-process.js';
import type { Work } from './work.js';

export interface Sample {
  /** Bytes of heap for each connected client. */
  readonly heap: number;
  /** Microseconds of the server's CPU for each client that connects. */
  readonly connect: number;
  /** Microseconds of the server's CPU for each acknowledged event. */
  readonly event: number;
}

export const clients = 1_000;
export const talkers = 100;
export const eventsEach = 200;
/** Compiles the code and fills the caches of what is measured then. */
const warmUpEach = 30;
const nodeArgs = ['--expose-gc'];

/**
 * One contestant, once: a server in a process of its own, and its clients in another.
 *
 * @throws Error when an event was not acknowledged exactly once, with the right answer.
 */
export async function measure(contestant: Contestant, work: Work): Promise<Sample> {
  const server = start(fileOf('server-process.js'), [contestant, JSON.stringify(work)], { nodeArgs });
  const fleet = start(fileOf('client-process.js'));
  try {
    const { port } = await news<Extract<ServerNews, { type: 'listening' }>>(server, 'listening');
    const ask = <Type extends ClientNews['type']>(command: ClientCommand, type: Type) => {
      fleet.send(command);
      return news<Extract<ClientNews, { type: Type }>>(fleet, type);
    };
    const talk = async (each: number): Promise<number> => {
      const told = await ask({ type: 'talk', talkers, eventsEach: each, handlers: work.handlers }, 'talked');
      if (told.acknowledgements !== told.events || told.wrongAnswers > 0) {
        throw new Error(`${contestant} is out: ${JSON.stringify(told)}. Its figures would mean nothing.`);
      }
      return told.events;
    };

    const url = `http://127.0.0.1:${port}`;
    const idle = await usage(server);
    await ask({ type: 'connect', url, clients }, 'connected');
    const connected = await usage(server);
    await talk(warmUpEach);
    const warm = await usage(server);
    const events = await talk(eventsEach);
    const talked = await usage(server);
    return {
      heap: (connected.heap - idle.heap) / clients,
      connect: (connected.cpuBefore - idle.cpuAfter) / clients,
      event: (talked.cpuBefore - warm.cpuAfter) / events,
    };
  } finally {
    await Promise.all([end(server), end(fleet)]);
  }
}

function fileOf(name: string): string {
  return path.join(import.meta.dirname, name);
}

async function usage(server: ChildProcess): Promise<Usage> {
  server.send('measure');
  return news(server, 'usage');
}
