import { once } from 'node:events';
import http from 'node:http';
import path from 'node:path';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { DoorClient } from '../../src/sessions/door-client.js';
import { PrivateDoor } from '../../src/sessions/private-door.js';
import { temporaryFolder } from '../support/temporary-folder.js';

describe('a connection between workers', () => {
  it('serves one request after the other', async () => {
    const { url, connections } = await startPair((_request, response) => response.end('ok'));

    for (let time = 0; time < 5; time++)
      expect(await (await fetch(url, { method: 'POST', body: 'hi' })).text()).toBe('ok');

    expect(connections.size).toBe(1);
  });

  it.each([
    ['has no length that is stated', { 'Transfer-Encoding': 'chunked' }],
    ['is longer than what was read of it', { 'Content-Length': '10' }],
  ])('serves no other after one whose body %s', async (_, headers) => {
    const { url, connections } = await startPair((_request, response) => response.end('ok'));
    const first = http.request(url, { method: 'POST', headers });
    first.on('error', () => {});
    first.write('begun');
    await once(first, 'response');

    expect(await (await fetch(url)).text()).toBe('ok');

    expect(connections.size).toBe(2);
    first.destroy();
  });

  it('that the owner wants closed serves no other', async () => {
    const { url, connections } = await startPair((_request, response) =>
      response.setHeader('Connection', 'close').end('ok'),
    );

    for (let time = 0; time < 3; time++) await (await fetch(url)).text();

    expect(connections.size).toBe(3);
  });

  it('passes on a long answer no faster than its client reads', async () => {
    const bytes = 32 * 2 ** 20;
    let written = 0;
    const { url } = await startPair((request, response) => {
      if (request.method === 'HEAD') return response.end();
      response.writeHead(200, { 'Content-Length': bytes });
      const chunk = Buffer.alloc(2 ** 16);
      const fill = (): void => {
        while (written < bytes) {
          written += chunk.length;
          if (!response.write(chunk)) return void response.once('drain', fill);
        }
        response.end();
      };
      fill();
    });

    const [answer] = (await once(http.get(url), 'response')) as [http.IncomingMessage];
    answer.pause();
    // Another request's way there and back is time enough for what is not held up.
    for (let time = 0; time < 3; time++) await once(http.get(url, { method: 'HEAD' }), 'response');
    expect(written).toBeLessThan(bytes);
    let read = 0;
    for await (const chunk of answer) read += (chunk as Buffer).length;

    expect(read).toBe(bytes);
  });
});

/** A worker that forwards everything, and the owner that answers. */
async function startPair(answer: (request: http.IncomingMessage, response: http.ServerResponse) => unknown) {
  const socket = path.join(temporaryFolder(), 'owner.sock');
  const connections = new Set<unknown>();
  const door = await PrivateDoor.open(socket, {
    onRequest: (request, response) => {
      connections.add(request.socket);
      answer(request, response);
    },
    onUpgrade: () => {},
  });
  const client = new DoorClient();
  const server = http.createServer((request, response) =>
    client.forward(request, response, socket, '{}', (error) => response.writeHead(502).end(error.message)),
  );
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
    client.close();
    door.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, connections };
}
