import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo } from 'node:net';
import { Server } from 'socket.io';
import { describe, expect, it, onTestFinished } from 'vitest';
import { IdleClient } from '../../bench/routes/memory/idle-client.js';

describe('an idle client', () => {
  it('is connected to the default namespace over a WebSocket', async () => {
    const { server, port } = await listen();
    const connected = once(server, 'connection');

    const client = await IdleClient.connect(port);

    const [socket] = await connected;
    expect(socket.conn.transport.name).toBe('websocket');
    expect(client.isOpen).toBe(true);
    client.disconnect();
  });

  it('stays connected while the server pings it', async () => {
    const { server, port } = await listen({ pingInterval: 20, pingTimeout: 200 });
    const connected = once(server, 'connection');
    const client = await IdleClient.connect(port);
    const [{ conn }] = await connected;

    for (let beat = 0; beat < 3; beat++) await once(conn, 'heartbeat');

    expect(client.isOpen).toBe(true);
    client.disconnect();
  });

  it('is not connected where nobody listens', async () => {
    const { server, port } = await listen();
    await server.close();

    await expect(IdleClient.connect(port)).rejects.toThrow('ECONNREFUSED');
  });

  it('is not connected where the server turns it away', async () => {
    const { port } = await listen({ allowRequest: (_request, allow) => allow('no', false) });

    await expect(IdleClient.connect(port)).rejects.toThrow('closed the connection');
  });
});

async function listen(options: ConstructorParameters<typeof Server>[1] & object = {}) {
  const httpServer = createServer().listen(0, '127.0.0.1');
  const server = new Server(httpServer, options);
  onTestFinished(() => server.close());
  await once(httpServer, 'listening');
  return { server, port: (httpServer.address() as AddressInfo).port };
}
