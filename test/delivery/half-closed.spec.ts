import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, createServer as createNetServer, type Socket as TcpSocket } from 'node:net';
import { Server, type Socket } from 'socket.io';
import { describe, expect, it, onTestFinished } from 'vitest';
import { CoalescedDelivery } from '../../src/delivery/coalesced-delivery.js';
import { openUntyped } from '../support/clients.js';

describe('a client that says no more', () => {
  it.each([
    ['to a server that may still answer', true],
    ['to a server that is closed with it, as over TLS', false],
  ])('%s hears what it was sent in the same turn', async (_, allowHalfOpen) => {
    const { socket, tcp, client } = await connect(allowHalfOpen);
    const heard: unknown[] = [];
    client.on('said', (words) => heard.push(words));
    const disconnected = once(client as never, 'disconnect');

    socket.emit('said', 'before');
    // As Node says it when the other side has closed its half.
    tcp.emit('end');
    await disconnected;

    expect(heard).toEqual(['before']);
  });
});

async function connect(allowHalfOpen: boolean) {
  const delivery = new CoalescedDelivery();
  const httpServer = createServer();
  const server = new Server(httpServer, delivery.serverOptions);
  server.use((socket, next) => {
    delivery.adopt(socket);
    next();
  });
  const listener = createNetServer({ allowHalfOpen }, (accepted) => void httpServer.emit('connection', accepted));
  onTestFinished(async () => {
    listener.close();
    await server.close();
  });
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const connected = once(server, 'connection') as Promise<[Socket]>;
  const { port } = listener.address() as AddressInfo;
  const client = openUntyped(`http://127.0.0.1:${port}`, { transports: ['websocket'], reconnection: false });
  await once(client as never, 'connect');
  const [socket] = await connected;
  const { socket: webSocket } = socket.conn.transport as unknown as { socket: { readonly _socket: TcpSocket } };
  return { socket, client, tcp: webSocket['_socket'] };
}
