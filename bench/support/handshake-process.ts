import { Agent } from 'node:http';
import { setTimeout as elapsed } from 'node:timers/promises';
import { io, type Socket } from 'socket.io-client';
import type { ClientEvents, ServerEvents } from '../../src/events.js';

/**
 * How clients connect: `default` begins with polling and upgrades. A polling client of Node opens a connection for each
 * request; a browser keeps them, and so does `kept polling`.
 */
export type ClientKind = 'websocket' | 'default' | 'polling' | 'kept polling';

/** What the bench tells its client process, and what it hears of it. */
export type HandshakeCommand =
  | { readonly type: 'connect'; readonly url: string; readonly kind: ClientKind; readonly clients: number }
  | { readonly type: 'round trips'; readonly each: number };
export interface HandshakeNews {
  readonly tookMs: number;
  /** How many clients each worker has welcomed, by its number. */
  readonly workers: Readonly<Record<number, number>>;
  /** What went wrong so far, and how often. */
  readonly failures: Readonly<Record<string, number>>;
}

type Client = Socket<ServerEvents, ClientEvents>;

/** How many are under way at a time, so that no client waits for itself. */
const atATime = 40;

const longestWaitMs = 10_000;

/**
 * A server closes what is idle for 5 seconds. A request that meets the closing is sent again by a browser, but Node's
 * client only begins it again and never ends it: https://github.com/mjwwit/node-XMLHttpRequest
 */
const longestIdleMs = 2_000;

const transports = {
  websocket: ['websocket'],
  default: undefined,
  polling: ['polling'],
  'kept polling': ['polling'],
} as const;

const clients: Client[] = [];
const workers: Record<number, number> = {};
const failures: Record<string, number> = {};

process.on('message', (command: HandshakeCommand) => void obey(command));

async function obey(command: HandshakeCommand): Promise<void> {
  const startedAt = performance.now();
  if (command.type === 'connect') {
    const { url, kind } = command;
    await inTurn(Array.from({ length: command.clients }, () => () => connect(url, kind)));
  } else {
    await inTurn(clients.map((client) => () => ask(client, command.each)));
  }
  const tookMs = performance.now() - startedAt;
  process.send!({ tookMs, workers, failures } satisfies HandshakeNews);
}

async function inTurn(tasks: (() => Promise<void>)[]): Promise<void> {
  const lane = async (): Promise<void> => {
    for (let task = tasks.shift(); task; task = tasks.shift()) await task();
  };
  await Promise.all(Array.from({ length: atATime }, lane));
}

/** Resolves once the client is welcomed and, if it begins with polling, upgraded; or has failed to. */
async function connect(url: string, kind: ClientKind): Promise<void> {
  const agent = kind === 'kept polling' ? new Agent({ keepAlive: true, timeout: longestIdleMs }) : undefined;
  const client: Client = io(url, {
    ...(transports[kind] && { transports: [...transports[kind]] }),
    // The type knows nothing of what its own reader of it takes.
    ...(agent && { agent: agent as unknown as boolean }),
    forceNew: true,
    reconnection: false,
  });
  clients.push(client);
  const welcomed = once(`${kind}: not welcomed`, (done) => {
    client.once('welcome', () => client.once('welcome', () => fail(`${kind}: welcomed again`)));
    client.on('welcome', ({ worker }) => {
      workers[worker] = (workers[worker] ?? 0) + 1;
      done();
    });
  });
  const upgraded = kind === 'default' ? once(`${kind}: not upgraded`, (done) => onUpgrade(client, done)) : undefined;
  client.on('connect_error', ({ message }) => fail(`${kind}: ${message}`));
  client.on('disconnect', (reason) => fail(`${kind}: ${reason}`));
  await Promise.all([welcomed, upgraded]);
}

function onUpgrade(client: Client, done: () => void): void {
  client.io.once('open', () => client.io.engine.once('upgrade', done));
}

/** Sends events one after the other, each when the last has been acknowledged, and counts every acknowledgement. */
async function ask(client: Client, times: number): Promise<void> {
  if (!client.connected) return;
  let acknowledged = 0;
  // Of a second acknowledgement to the same event a client tells nobody.
  const count = ({ type }: { type: number }): void => {
    if (type === acknowledgement) acknowledged++;
  };
  client.io.on('packet', count);
  for (let time = 0; time < times; time++) {
    await once('not acknowledged', (done) => {
      client.emit('whereami', (answer) => {
        if ('error' in answer) fail(answer.error.message);
        done();
      });
    });
  }
  client.io.off('packet', count);
  if (acknowledged > times) fail('acknowledged again');
}

/** Of Socket.IO's protocol. */
const acknowledgement = 3;

async function once(failure: string, begin: (done: () => void) => void): Promise<void> {
  const ended = new AbortController();
  const tooLate = elapsed(longestWaitMs, failure, { signal: ended.signal }).then(fail, () => {});
  await Promise.race([new Promise<void>(begin), tooLate]);
  ended.abort();
}

function fail(what: string): void {
  failures[what] = (failures[what] ?? 0) + 1;
}
