import http from 'node:http';
import { once, setMaxListeners } from 'node:events';
import { setTimeout as elapsed } from 'node:timers/promises';
import { onTestFinished } from 'vitest';
import { type Client, next, open } from './clients.js';

export interface Talker {
  readonly client: Client;
  /** How often it has been welcomed. */
  readonly welcomes: () => number;
}

export interface Traffic {
  readonly talkers: readonly Talker[];
  /** What went wrong although it was tried again. */
  readonly failures: string[];
  /** Messages acknowledged and requests answered so far. */
  readonly done: () => number;
  /** Ends it, and resolves when everything under way has been answered. */
  stop(): Promise<void>;
}

/** How long a client rests between two messages. */
const restMs = 300;

/** Clients that all talk, each with retries as Socket.IO offers them, and HTTP requests that are tried once more. */
export async function startTraffic(url: string, clients: number, requesters: number): Promise<Traffic> {
  const going = new AbortController();
  setMaxListeners(0, going.signal);
  const failures: string[] = [];
  let done = 0;
  const repeat = async (what: string, step: () => Promise<void>): Promise<void> => {
    while (!going.signal.aborted) {
      await step().then(
        () => void done++,
        (error: Error) => void failures.push(`${what}: ${error.message}`),
      );
      await elapsed(restMs, undefined, { signal: going.signal }).catch(() => {});
    }
  };
  const agent = new http.Agent({ keepAlive: true });
  onTestFinished(() => {
    going.abort();
    agent.destroy();
  });

  const talkers = await Promise.all(Array.from({ length: clients }, () => connectTalker(url)));
  const conversations = [
    ...talkers.map(({ client }) => repeat('say', () => say(client))),
    ...Array.from({ length: requesters }, () => repeat('request', () => requestTwice(url, agent))),
  ];
  return {
    talkers,
    failures,
    done: () => done,
    stop: async () => {
      going.abort();
      await Promise.all(conversations);
    },
  };
}

async function connectTalker(url: string): Promise<Talker> {
  const client = open(url, { retries: 3, ackTimeout: 5_000 });
  let welcomes = 0;
  client.on('welcome', () => void welcomes++);
  await next(client, 'welcome');
  return { client, welcomes: () => welcomes };
}

async function say(client: Client): Promise<void> {
  const answer = await client.emitWithAck('say', { room: 'lobby', text: 'hello' });
  if (answer !== true) throw new Error(JSON.stringify(answer));
}

/**
 * As a load balancer does: once more, on a new connection, where nothing listened, the worker says that it stops, or a
 * connection that was kept is closed just as the request goes out.
 */
async function requestTwice(url: string, agent: http.Agent): Promise<void> {
  const first = await request(url, agent).catch((error: NodeJS.ErrnoException & { reused: boolean }) => {
    if (error.code === 'ECONNREFUSED' || (error.code === 'ECONNRESET' && error.reused)) return 503;
    throw error;
  });
  const status = first === 503 ? await request(url, false) : first;
  if (status !== 202) throw new Error(`status ${status}`);
}

async function request(url: string, agent: http.Agent | false): Promise<number> {
  const headers = { 'Content-Type': 'application/json' };
  const sent = http.request(`${url}/notifications/ada`, { method: 'POST', agent, headers });
  sent.end('{"title":"hello"}');
  const answered = once(sent, 'response').catch((error: Error) =>
    Promise.reject(Object.assign(error, { reused: sent.reusedSocket })),
  );
  const [response] = (await answered) as [http.IncomingMessage];
  response.resume();
  await once(response, 'end');
  return response.statusCode!;
}
