import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { type AddressInfo, type Socket as TcpSocket } from 'node:net';
import { Server, type Socket } from 'socket.io';
import { describe, expect, it, onTestFinished } from 'vitest';
import { slimEngine } from '../../src/adapter/slim-engine.js';
import { openUntyped } from '../support/clients.js';

type Middleware = (request: IncomingMessage, response: ServerResponse, next: () => void) => void;

describe('a slim engine', () => {
  it('takes from a connection what waits for its end on behalf of a response that nobody has seen', async () => {
    const [kept, dropped] = [await connect({ drop: false }), await connect({ drop: true })];

    expect(kept.tcp.listenerCount('close') - dropped.tcp.listenerCount('close')).toBe(1);
  });

  it('leaves the connection’s other listeners where they are', async () => {
    const heard: string[] = [];
    const { tcp, client } = await connect({
      drop: true,
      onConnection: (socket) => void socket.once('close', () => heard.push('closed')),
    });
    const closed = once(tcp, 'close');

    client.disconnect();
    await closed;

    expect(heard).toEqual(['closed']);
  });

  it('leaves a middleware the end of the response that it was shown', async () => {
    const events: string[] = [];
    const { tcp, client } = await connect({
      drop: true,
      middleware: (_request, response, next) => {
        response.once('close', () => events.push('closed'));
        next();
      },
    });
    const closed = once(tcp, 'close');

    client.disconnect();
    await closed;

    expect(events).toEqual(['closed']);
  });

  it('leaves the errors of a WebSocket to its transport', async () => {
    const [kept, dropped] = [await connect({ drop: false }), await connect({ drop: true })];
    expect([kept.webSocket.listenerCount('error'), dropped.webSocket.listenerCount('error')]).toEqual([2, 1]);
    const disconnected = once(dropped.socket, 'disconnect');

    // A frame of a type that does not exist.
    dropped.tcp.emit('data', Buffer.from([0x8f, 0x80, 0, 0, 0, 0]));

    expect(await disconnected).toContain('transport error');
  });

  it('changes nothing for a client that begins with polling', async () => {
    const { client } = await connect({ drop: true, transports: ['polling', 'websocket'] });
    if (client.io.engine.transport.name === 'polling') await once(client.io.engine as never, 'upgrade');

    expect(await client.emitWithAck('ask')).toBe('answer');
  });
});

interface Options {
  readonly drop: boolean;
  readonly middleware?: Middleware;
  readonly onConnection?: (socket: TcpSocket) => void;
  readonly transports?: string[];
}

/** Connects a client to a server of its own. Both end with the test. */
async function connect({ drop, middleware, onConnection, transports = ['websocket'] }: Options) {
  const httpServer = createServer();
  if (onConnection) httpServer.on('connection', onConnection);
  const server = new Server(httpServer);
  if (drop) slimEngine(server.engine as never);
  if (middleware) server.engine.use(middleware);
  onTestFinished(() => server.close());
  httpServer.listen(0, '127.0.0.1');
  await once(httpServer, 'listening');
  const connected = once(server, 'connection') as Promise<[Socket]>;
  const { port } = httpServer.address() as AddressInfo;
  const client = openUntyped(`http://127.0.0.1:${port}`, { transports, reconnection: false });
  const [socket] = await connected;
  socket.on('ask', (acknowledge: (answer: string) => void) => acknowledge('answer'));
  await once(client as never, 'connect');
  const { socket: webSocket } = socket.conn.transport as unknown as { socket: WebSocketInside };
  return { client, socket, webSocket, tcp: webSocket?.['_socket'] };
}

type WebSocketInside = NodeJS.EventEmitter & { readonly _socket: TcpSocket };
