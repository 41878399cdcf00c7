import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import { type AddressInfo, connect, createServer as createNetServer, type Socket } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { OpenConnections } from '../../src/adapter/open-connections.js';

const upgrade = 'GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n';

describe('open connections', () => {
  it('are cut, also where nothing was asked yet', async () => {
    const { connections, arrive } = await listen();
    const arrived = [await arrive(), await arrive()];
    const closed = arrived.map(({ client }) => once(client, 'close'));

    connections.cut();

    await expect(Promise.all(closed)).resolves.toHaveLength(2);
  });

  it('are cut, also where they were upgraded', async () => {
    const { server, connections, arrive } = await listen();
    const { client } = await arrive();
    client.write(upgrade);
    await once(server, 'upgrade');
    const closed = once(client, 'close');

    connections.cut();

    await expect(closed).resolves.toBeDefined();
  });

  it('are cut, also where another process had accepted them', async () => {
    const { server, connections } = await listen();
    const { accepted, client } = await acceptElsewhere();
    server.emit('upgrade', {} as IncomingMessage, accepted, Buffer.alloc(0));
    const closed = once(client, 'close');

    connections.cut();

    await expect(closed).resolves.toBeDefined();
  });

  it('cost each connection one listener, upgraded or not', async () => {
    const { server, arrive } = await listen();
    const { client, accepted } = await arrive();
    const before = accepted.listeners('close');
    client.write(upgrade);
    await once(server, 'upgrade');

    const added = accepted.listeners('close').filter((listener) => !before.includes(listener));

    expect(added).toEqual([]);
  });

  it('are forgotten once they are closed', async () => {
    const { connections, arrive } = await listen();
    const { client, accepted } = await arrive();
    const closed = once(accepted, 'close');
    client.destroy();
    await closed;
    let cut = 0;
    accepted.destroy = () => (cut++, accepted);

    connections.cut();

    expect(cut).toBe(0);
  });
});

async function listen() {
  const server = createServer().listen(0, '127.0.0.1');
  server.on('upgrade', () => {});
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const connections = new OpenConnections(server);
  await once(server, 'listening');
  return { server, connections, arrive: () => accept(server) };
}

async function acceptElsewhere() {
  const other = createNetServer().listen(0, '127.0.0.1');
  onTestFinished(() => void other.close());
  await once(other, 'listening');
  return accept(other);
}

async function accept(server: NodeJS.EventEmitter & { address(): unknown }) {
  const accepted = once(server, 'connection') as Promise<[Socket]>;
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1').on('error', () => {});
  onTestFinished(() => void client.destroy());
  const [socket] = await accepted;
  onTestFinished(() => void socket.destroy());
  return { client: client.resume(), accepted: socket };
}
