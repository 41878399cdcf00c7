import { once } from 'node:events';
import http from 'node:http';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { io as openClient } from 'socket.io-client';
import { describe, expect, it, onTestFinished } from 'vitest';
import { factsHeader, sealFacts } from '../../src/sessions/client-facts.js';
import { SessionIds } from '../../src/sessions/session-id.js';
import { ask, beginSession, enginePath, openRequest, unknownSession } from '../support/engine-requests.js';
import { eventually } from '../support/eventually.js';
import { meet, type SessionHostInTest, startSessionHosts, startSilentHosts } from '../support/session-hosts.js';

describe('a poll that lands on another host', () => {
  it('is answered by the owner, which sees the method, the headers and the version that the client sent', async () => {
    const [owner, other] = await startPair();
    const sid = await beginSession(owner.url);
    const headers = { Host: 'a.example', 'X-Forwarded-For': '203.0.113.7', 'X-Twice': ['1', '2'], Connection: 'close' };

    for (const { url } of [owner, other]) {
      expect(await ask(url, { sid, body: '42["hello"]', headers })).toMatchObject({ status: 200, body: 'ok' });
    }

    const [here, there] = owner.answered.slice(-2);
    expect(asSent(there!)).toEqual(asSent(here!));
    expect(other.answered).toEqual([]);
  });

  it('is seen there with the address of the client', async () => {
    const [owner, other] = await startPair();
    const sid = await beginSession(owner.url);

    await ask(other.url, { sid, body: '42["hello"]', localAddress: '127.0.0.77' });

    expect(owner.addresses.at(-1)).toBe('127.0.0.77');
  });

  it('does not lend its client’s address to the next one on the same connection', async () => {
    const [owner, other] = await startPair();
    const sid = await beginSession(owner.url);
    const proxy = await startReusingProxy(owner.url);
    owner.announce(proxy);
    await eventually(
      () => other.directory.find(owner.tag)?.url,
      (url) => url === proxy,
    );
    await ask(other.url, { sid, body: '42["hello"]', localAddress: '127.0.0.77' });
    expect(owner.addresses.at(-1)).toBe('127.0.0.77');

    await ask(proxy);

    expect(owner.addresses.at(-1)).toBe('127.0.0.1');
  });

  it('may announce trailers, without a worker falling over it', async () => {
    const [owner, other] = await startPair();
    const sid = await beginSession(owner.url);
    const { hostname, port } = new URL(other.url);

    for (const upgrading of ['', 'Connection: Upgrade\r\nUpgrade: websocket\r\n']) {
      const connection = connect(Number(port), hostname);
      onTestFinished(() => void connection.destroy());
      connection.write(`OPTIONS ${enginePath(sid)} HTTP/1.1\r\nHost: localhost\r\n${upgrading}Trailer: a\r\n\r\n`);
      const [answer] = (await once(connection, 'data')) as [Buffer];
      expect(answer.toString()).toMatch(/^HTTP\/1\.1 [45]0\d /);
    }

    expect(await ask(other.url, { sid, body: '42["hello"]' })).toMatchObject({ status: 200, body: 'ok' });
  });

  it('may be of HTTP/1.0, without a host', async () => {
    const [owner, other] = await startPair();
    const sid = await beginSession(owner.url);
    const { hostname, port } = new URL(other.url);
    const connection = connect(Number(port), hostname);
    onTestFinished(() => void connection.destroy());

    connection.write(`POST ${enginePath(sid)} HTTP/1.0\r\nContent-Length: 11\r\n\r\n42["hello"]`);

    const [answer] = (await once(connection, 'data')) as [Buffer];
    expect(answer.toString()).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
  });

  it('that the client gives up leaves the host known', async () => {
    const [owner, other] = await startPair();
    const sid = await beginSession(owner.url);
    const ended = once(owner.io.sockets.sockets.values().next().value!, 'disconnect');
    const asked = owner.answered.length;
    const poll = openRequest(other.url, { sid });
    poll.on('error', () => {});
    poll.end();
    await eventually(
      () => owner.answered.length,
      (count) => count > asked,
    );

    poll.destroy();

    expect((await ended)[0]).toBe('transport error');
    expect(other.directory.find(owner.tag)).toBeDefined();
  });
});

describe('a worker that has just started', () => {
  it('knows the other hosts with its first request', async () => {
    const [owner, other] = await startPair();
    const sid = await beginSession(owner.url);
    const late = await other.startWorker();

    expect(await ask(late.url, { sid, body: '42["hello"]' })).toMatchObject({ status: 200, body: 'ok' });
  });
});

describe('an upgrade that lands on another host', () => {
  it('is brought to the owner, which sees the client’s address', async () => {
    const [owner, other] = await startPair();
    const sid = await beginSession(owner.url);

    const { connection } = await upgrade(other.url, sid, '127.0.0.77');

    expect(connection.received()).toMatch(/^HTTP\/1.1 101 /);
    const { headers } = owner.answered.at(-1)!;
    expect({ upgrade: headers.upgrade, connection: headers.connection, address: owner.addresses.at(-1) }).toEqual({
      upgrade: 'websocket',
      connection: 'keep-alive, Upgrade',
      address: '127.0.0.77',
    });
  });

  it('carries a client on, and ends with it', async () => {
    const [owner, other] = await startPair();
    const client = openClient(owner.url, { forceNew: true, reconnection: false });
    onTestFinished(() => void client.disconnect());
    const { engine } = client.io;
    client.on('connect_error', (error) => expect.fail(error.message));
    engine.once('handshake', () => Object.assign(engine, { port: new URL(other.url).port }));
    await once(engine as never, 'upgrade');
    const socket = owner.io.sockets.sockets.values().next().value!;

    const said = once(socket, 'hello');
    client.emit('hello', 'over there');

    expect(await said).toEqual(['over there']);
    const ended = once(socket, 'disconnect');
    client.io.engine.close();
    expect((await ended)[0]).toBe('transport close');
  });

  it('that the client gives up leaves the host known', async () => {
    const [owner, other] = await startSilentPair();
    const stuck = await startServer();
    owner.announce(stuck.url);
    await knows(other, owner);
    const { socket } = begunUpgrade(other.url, idOf(owner));
    const [far] = await once(stuck.server, 'connection');

    socket.destroy();

    await once(far, 'close');
    expect(other.directory.find(owner.tag)).toBeDefined();
  });
});

describe('a host that does not answer', () => {
  it('is forgotten where nothing listens at its address, and its sessions are unknown at once', async () => {
    const [owner, other] = await startSilentPair();
    const { url, server } = await startServer();
    owner.announce(url);
    await knows(other, owner);
    server.close();
    await once(server, 'close');
    const started = performance.now();

    expect(await ask(other.url, { sid: idOf(owner) })).toMatchObject(unknownSession);

    expect(performance.now() - started).toBeLessThan(1_000);
    expect(other.directory.find(owner.tag)).toBeUndefined();
  });

  it('is forgotten for an upgrade as well', async () => {
    const [owner, other] = await startSilentPair();
    const { url, server } = await startServer();
    owner.announce(url);
    await knows(other, owner);
    server.close();
    await once(server, 'close');

    const { connection } = await upgrade(other.url, idOf(owner));

    expect(connection.received()).toMatch(/^HTTP\/1.1 400 [^]*Session ID unknown/);
    expect(other.directory.find(owner.tag)).toBeUndefined();
  });

  it('stays known where one of its workers only broke a connection off', async () => {
    const [owner, other] = await startSilentPair();
    const { url, server } = await startServer();
    owner.announce(url);
    await knows(other, owner);
    server.on('connection', (connection) => connection.once('data', () => connection.resetAndDestroy()));

    expect(await ask(other.url, { sid: idOf(owner) })).toMatchObject(unknownSession);
    expect(await ask(other.url, { sid: idOf(owner), body: '40' })).toMatchObject(unknownSession);

    expect(other.directory.find(owner.tag)).toBeDefined();
  });

  it('is asked again where it ended a connection that had been kept', async () => {
    const [owner, other] = await startSilentPair();
    const answers: string[] = [];
    const { url } = await startServer((connection) => {
      let requests = 0;
      connection.on('data', () => {
        if (++requests > 1) return connection.resetAndDestroy();
        answers.push(`answer ${answers.length + 1}`);
        connection.write(`HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n${answers.at(-1)}`);
      });
    });
    owner.announce(url);
    await knows(other, owner);
    const sid = idOf(owner);

    expect(await ask(other.url, { sid })).toMatchObject({ status: 200, body: 'answer 1' });
    expect(await ask(other.url, { sid })).toMatchObject({ status: 200, body: 'answer 2' });
  });

  it('is not asked again for what it may have taken already', async () => {
    const [owner, other] = await startSilentPair();
    let requests = 0;
    const { url } = await startServer((connection) => {
      connection.on('data', (chunk) => {
        if (!chunk.includes('POST')) return;
        if (++requests > 1) return connection.resetAndDestroy();
        connection.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
      });
    });
    owner.announce(url);
    await knows(other, owner);
    const sid = idOf(owner);

    expect(await ask(other.url, { sid, body: '42["hello"]' })).toMatchObject({ status: 200, body: 'ok' });
    expect(await ask(other.url, { sid, body: '42["hello"]' })).toMatchObject(unknownSession);

    expect(requests).toBe(2);
    expect(other.directory.find(owner.tag)).toBeDefined();
  });
});

describe('a host that names a wrong address', () => {
  it('is not looked for in circles where that is the address of the host that asks', async () => {
    const [owner, other] = await startSilentPair();
    owner.announce(other.url);
    await knows(other, owner);
    const requests = countRequests(other);
    const sid = await beginSession(owner.url);

    expect(await ask(other.url, { sid })).toMatchObject(unknownSession);
    expect(await ask(other.url, { sid, body: '42["hello"]' })).toMatchObject(unknownSession);
    expect((await upgrade(other.url, sid)).connection.received()).toMatch(/^HTTP\/1.1 400 [^]*Session ID unknown/);

    // Each came from its client, and once more from the host itself.
    expect(requests()).toBe(6);
  });

  it('is not looked for in circles where that is the address of a third host', async () => {
    const [owner, other, third] = await startSilentHosts(3);
    owner!.announce(third!.url);
    third!.announce(other!.url);
    other!.announce(other!.url);
    await meet([owner!, other!, third!]);
    const requests = [countRequests(other!), countRequests(third!)];
    const sid = await beginSession(owner!.url);

    expect(await ask(other!.url, { sid })).toMatchObject(unknownSession);

    expect(requests.map((count) => count())).toEqual([1, 1]);
  });
});

describe('what a client says itself of who it is', () => {
  const facts = { encrypted: true, httpVersion: '1.1', ofConnection: [], server: 0, nudge: false };
  const lie = { ...facts, remoteAddress: '203.0.113.66' };

  it('is not believed without the seal of the host', async () => {
    const [owner, other] = await startPair();
    for (const sealed of [
      sealFacts(lie, other.key),
      sealFacts(lie, Buffer.alloc(32)),
      sealFacts(lie, owner.key).slice(0, -1),
      Buffer.from(JSON.stringify(lie)).toString('base64url'),
      '.',
      '',
    ]) {
      await ask(owner.url, { headers: { [factsHeader]: sealed } });

      expect(owner.addresses.at(-1)).toBe('127.0.0.1');
    }
    expect(owner.answered).toHaveLength(6);
  });

  it('has the request of another host’s session refused, rather than sent on', async () => {
    const [owner, other] = await startPair();
    const sid = await beginSession(owner.url);
    const asked = owner.answered.length;

    const headers = { [factsHeader]: sealFacts(lie, Buffer.alloc(32)) };
    expect(await ask(other.url, { sid, body: '42["hello"]', headers })).toMatchObject(unknownSession);

    expect(owner.answered).toHaveLength(asked);
  });
});

async function startPair() {
  const [owner, other] = await startSessionHosts(2);
  return [owner!, other!] as const;
}

async function startSilentPair() {
  const [owner, other] = await startSilentHosts(2);
  return [owner!, other!] as const;
}

async function knows(host: SessionHostInTest, other: SessionHostInTest): Promise<void> {
  await eventually(
    () => host.directory.find(other.tag),
    (found) => found !== undefined,
  );
}

/** The id of a session as that host makes them. */
function idOf({ tag, key }: SessionHostInTest): string {
  return new SessionIds({ host: tag, slot: 1, fork: 1 }, key).make();
}

/** How many requests have come to a host, upgrades included. */
function countRequests({ io }: SessionHostInTest): () => number {
  let count = 0;
  io.httpServer.on('request', () => count++).on('upgrade', () => count++);
  return () => count;
}

/** What listens at a host's address in its place. */
async function startServer(onConnection: (connection: Socket) => void = () => {}) {
  const server: Server = createServer((connection) => {
    connection.on('error', () => {}).resume();
    onTestFinished(() => void connection.destroy());
    onConnection(connection);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

/** A proxy in front of a host, which sends everything over one connection. */
async function startReusingProxy(url: string): Promise<string> {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  const { hostname, port } = new URL(url);
  const proxy = http.createServer((request, response) => {
    const { method, url: path, headers } = request;
    const passed = http.request({ hostname, port, method, path, headers, agent }, (answer) => {
      response.writeHead(answer.statusCode!, answer.headers);
      answer.pipe(response);
    });
    request.pipe(passed);
  });
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  onTestFinished(() => {
    agent.destroy();
    proxy.closeAllConnections();
    proxy.close();
  });
  return `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
}

function begunUpgrade(url: string, sid: string, localAddress?: string) {
  const { hostname, port } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port), ...(localAddress && { localAddress }) });
  onTestFinished(() => void socket.destroy());
  let text = '';
  socket.on('data', (chunk: Buffer) => void (text += chunk.toString('latin1')));
  socket.on('error', () => {});
  const path = enginePath(sid).replace('polling', 'websocket');
  const lines = [`GET ${path} HTTP/1.1`, 'Host: localhost', 'Connection: keep-alive, Upgrade', 'Upgrade: websocket'];
  socket.write(
    `${[...lines, 'Sec-WebSocket-Version: 13', 'Sec-WebSocket-Key: c3R1Y2sgY2xpZW50IDEyMw=='].join('\r\n')}\r\n\r\n`,
  );
  return { socket, received: () => text };
}

/** Resolves once the upgrade has been answered. */
async function upgrade(url: string, sid: string, localAddress?: string) {
  const connection = begunUpgrade(url, sid, localAddress);
  await eventually(connection.received, (text) => text.includes('\r\n\r\n'));
  return { connection };
}

function asSent({ method, url, httpVersion, headers, rawHeaders }: http.IncomingMessage) {
  const pairs = rawHeaders.flatMap((name, at) => (at % 2 === 0 ? [`${name}: ${rawHeaders[at + 1]}`] : []));
  return { method, url, httpVersion, headers, pairs: pairs.toSorted() };
}
