import { io, type Socket } from 'socket.io-client';

/** What the bench tells its client process, and what it hears of it. */
export type ClientCommand =
  { readonly type: 'connect'; readonly url: string; readonly clients: number } | { type: 'report' };
export type ClientNews =
  | { readonly type: 'progress'; readonly connected: number }
  | {
      readonly type: 'report';
      readonly awayMs: readonly number[];
      readonly moves: readonly number[];
      readonly lost: number;
    };

interface Tracked {
  readonly socket: Socket;
  readonly awayMs: number[];
  leftAt: number | undefined;
}

/** How many handshakes are under way at a time, so that the start does not measure itself. */
const atATime = 50;

const tracked: Tracked[] = [];
const tell = (news: ClientNews): void => void process.send!(news);

process.on('message', (command: ClientCommand) => {
  if (command.type === 'connect') void connectAll(command.url, command.clients);
  else report();
});

async function connectAll(url: string, clients: number): Promise<void> {
  for (let connected = 0; connected < clients; connected += atATime) {
    await Promise.all(Array.from({ length: Math.min(atATime, clients - connected) }, () => connect(url)));
    tell({ type: 'progress', connected: tracked.length });
  }
}

/** A client as it is by default, but for the transport. */
function connect(url: string): Promise<void> {
  const socket = io(url, { transports: ['websocket'], forceNew: true });
  const client: Tracked = { socket, awayMs: [], leftAt: undefined };
  tracked.push(client);
  socket.on('disconnect', () => {
    client.leftAt = performance.now();
  });
  return new Promise((resolve) => {
    socket.on('connect', () => {
      if (client.leftAt !== undefined) client.awayMs.push(performance.now() - client.leftAt);
      client.leftAt = undefined;
      resolve();
    });
  });
}

function report(): void {
  tell({
    type: 'report',
    awayMs: tracked.flatMap(({ awayMs }) => awayMs),
    moves: tracked.map(({ awayMs }) => awayMs.length),
    lost: tracked.filter(({ socket }) => !socket.connected).length,
  });
}
