import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { Newcomers } from '../../src/adapter/newcomers.js';

const page = 'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n';
const upgrade = 'GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n';

describe('newcomers', () => {
  it('are none where nobody has come', async () => {
    await expect(new Newcomers().settled()).resolves.toBeUndefined();
  });

  it.each([
    ['has asked for a page', (connection: Socket) => connection.write(page)],
    ['has asked for an upgrade', (connection: Socket) => connection.write(upgrade)],
    ['has gone', (connection: Socket) => connection.destroy()],
  ])('are settled once the last of them %s', async (_, settle) => {
    const { newcomers, arrive } = await listen();
    const [first, second] = [await arrive(), await arrive()];
    const events: string[] = [];
    const settled = newcomers.settled().then(() => events.push('settled'));

    first.write(page);
    await once(first, 'data');
    events.push('one of two was served');
    settle(second);

    await settled;
    expect(events).toEqual(['one of two was served', 'settled']);
  });

  it('are not those whose connection stays open after its first request', async () => {
    const { newcomers, arrive } = await listen();
    const connection = await arrive();
    connection.write(page);
    await once(connection, 'data');

    await newcomers.settled();

    expect(connection.closed).toBe(false);
  });
});

async function listen() {
  const server = createServer((_, response) => response.end()).listen(0, '127.0.0.1');
  server.on('upgrade', (_, socket) => socket.end());
  onTestFinished(() => void server.close());
  const newcomers = new Newcomers();
  newcomers.watch(server);
  await once(server, 'listening');
  /** Resolves once the server has it. */
  const arrive = async (): Promise<Socket> => {
    const connection = connect((server.address() as AddressInfo).port, '127.0.0.1');
    onTestFinished(() => void connection.destroy());
    await once(server, 'connection');
    return connection;
  };
  return { newcomers, arrive };
}
