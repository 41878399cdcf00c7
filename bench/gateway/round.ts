import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
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

/**
 * One contestant, once: a server in a process of its own, and its clients in another.
 *
 * @throws Error when an event was not acknowledged exactly once, with the right answer.
 */
export async function measure(contestant: Contestant, work: Work): Promise<Sample> {
  const server = start('server-process.js', [contestant, JSON.stringify(work)]);
  const fleet = start('client-process.js', []);
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

function start(file: string, args: readonly string[]): ChildProcess {
  return fork(path.join(import.meta.dirname, file), args, { execArgv: [...process.execArgv, '--expose-gc'] });
}

async function usage(server: ChildProcess): Promise<Usage> {
  server.send('measure');
  return news(server, 'usage');
}

async function news<News>(process: ChildProcess, type: string): Promise<News> {
  const exited = once(process, 'exit').then(([code]) => Promise.reject(new Error(`A process ended with ${code}.`)));
  exited.catch(() => {});
  for (;;) {
    const [message] = (await Promise.race([once(process, 'message'), exited])) as [{ type: string }];
    if (message.type === type) return message as News;
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  await exited;
}
