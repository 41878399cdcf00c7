import { once } from 'node:events';
import http from 'node:http';
import { connect } from 'node:net';
import type { Socket } from 'socket.io';
import { io as openClient } from 'socket.io-client';
import { describe, expect, it, onTestFinished } from 'vitest';
import { answerTo, ask, beginSession, enginePath, openRequest, unknownSession } from '../support/engine-requests.js';
import { eventually } from '../support/eventually.js';
import { type SessionWorker, startSessionWorkers } from '../support/session-workers.js';

describe('a poll that lands on another worker', () => {
  it('is answered by the one that owns the session', async () => {
    const [owner, other] = await startPair();
    const sid = await beginSession(owner.url);

    const polled = ask(other.url, { sid });
    const said = once(socketOf(owner), 'hello');
    expect(await ask(other.url, { sid, body: '42["hello","you"]' })).toMatchObject({ status: 200, body: 'ok' });
    expect(await said).toEqual(['you']);
    owner.io.emit('heard', 'you');

    expect(await polled).toMatchObject({ status: 200, body: '42["heard","you"]' });
    expect(other.answered).toEqual([]);
  });

  it('is seen there with the headers, method and version that the client sent', async () => {
    const [owner, other] = await startPair();
    const sid = await beginSession(owner.url);
    const headers = { Host: 'a.example', Cookie: 'a=1', 'X-Twice': ['1', '2'], 'X-Name': 'Grüße', Connection: 'close' };

    for (const { url } of [owner, other]) await ask(url, { sid, body: '42["hello"]', headers });

    const [here, there] = owner.answered.slice(-2);
    expect(asSent(there!)).toEqual(asSent(here!));
    expect(there!.headers).toMatchObject({ 'x-twice': '1, 2', connection: 'close' });
  });

  it('is seen there with the address of the client', async () => {
    const [owner, other] = await startPair();
    const sid = await beginSession(owner.url);

    const request = openRequest(other.url, { method: 'POST', sid, localAddress: '127.0.0.77' });
    request.end('42["hello"]');
    const port = await new Promise((resolve) =>
      request.once('socket', (socket) => socket.once('connect', () => resolve(socket.localPort))),
    );
    await answerTo(request);

    const { remoteAddress, remotePort, remoteFamily, localPort } = owner.answered.at(-1)!.socket;
    expect({ remoteAddress, remotePort, remoteFamily, localPort }).toEqual({
      remoteAddress: '127.0.0.77',
      remotePort: port,
      remoteFamily: 'IPv4',
      localPort: Number(new URL(other.url).port),
    });
  });

  it.each([64 * 1024, 900 * 1024])('may have a body of %d bytes', async (bytes) => {
    const [owner, other] = await startPair();
    const sid = await beginSession(owner.url);
    const said = once(socketOf(owner), 'hello');

    const body = `42["hello","${'ä'.repeat(bytes / 2)}"]`;
    expect(await ask(other.url, { sid, body })).toMatchObject({ status: 200, body: 'ok' });

    expect(((await said) as [string])[0]).toHaveLength(bytes / 2);
  });

  it('is refused with 413 where its body is above the limit, as on the owner itself', async () => {
    const [owner, other] = await startPair({ maxHttpBufferSize: 10_000 });
    const [here, there] = [await beginSession(owner.url), await beginSession(owner.url)];
    const body = `42["hello","${'x'.repeat(20_000)}"]`;

    expect(await ask(owner.url, { sid: here, body })).toMatchObject({ status: 413 });
    expect(await ask(other.url, { sid: there, body })).toMatchObject({ status: 413 });
  });

  it('may have a body that comes slowly, in chunks of unknown number', async () => {
    const [owner, other] = await startPair();
    const sid = await beginSession(owner.url);
    const said = once(socketOf(owner), 'hello');

    const request = openRequest(other.url, { method: 'POST', sid });
    for (const chunk of ['42["he', 'llo","', 'slow']) {
      request.write(chunk);
      await eventually(
        () => owner.answered.at(-1)?.method,
        (method) => method === 'POST',
      );
    }
    request.end('ly"]');

    expect(await answerTo(request)).toMatchObject({ status: 200, body: 'ok' });
    expect(await said).toEqual(['slowly']);
  });

  it('may carry binary data', async () => {
    const [owner, other] = await startPair();
    const sid = await beginSession(owner.url);
    const said = once(socketOf(owner), 'bytes');
    const data = Buffer.from([0, 255, 13, 10]).toString('base64');

    await ask(other.url, { sid, body: `451-["bytes",{"_placeholder":true,"num":0}]\x1eb${data}` });

    expect(await said).toEqual([Buffer.from([0, 255, 13, 10])]);
  });

  it('that the client gives up ends at the owner as well, which ends the session', async () => {
    const [owner, other] = await startPair();
    const sid = await beginSession(owner.url);
    const ended = once(socketOf(owner), 'disconnect');
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
  });

  it('that the client gives up in the middle of its body ends the session, as on the owner itself', async () => {
    const [owner, other] = await startPair();
    const sid = await beginSession(owner.url);
    const ended = once(socketOf(owner), 'disconnect');
    const request = openRequest(other.url, { method: 'POST', sid, headers: { 'Content-Length': 1_000 } });
    request.on('error', () => {});
    request.write('42["hel');
    await eventually(
      () => owner.answered.at(-1)?.method,
      (method) => method === 'POST',
    );

    request.destroy();

    expect((await ended)[0]).toBe('transport error');
    expect(await ask(other.url, { sid })).toMatchObject(unknownSession);
  });

  it.each(['PUT', 'DELETE', 'PATCH', 'HEAD', 'OPTIONS'])(
    'with the method %s is answered as by the owner',
    async (method) => {
      const [owner, other] = await startPair();
      const sid = await beginSession(owner.url);

      const [here, there] = [await ask(owner.url, { sid, method }), await ask(other.url, { sid, method })];

      expect({ ...there, headers: { ...there.headers, date: '' } }).toEqual({
        ...here,
        headers: { ...here.headers, date: '' },
      });
      expect(other.answered).toEqual([]);
    },
  );

  it('is preceded by a preflight of the browser, which gets the same answer', async () => {
    const [owner, other] = await startPair({ cors: { origin: 'https://app.example', credentials: true } });
    const sid = await beginSession(owner.url);
    const headers = { Origin: 'https://app.example', 'Access-Control-Request-Method': 'POST' };

    const preflight = await ask(other.url, { sid, method: 'OPTIONS', headers });
    const sent = await ask(other.url, { sid, body: '42["hello"]', headers });

    expect(preflight).toMatchObject({
      status: 204,
      headers: { 'access-control-allow-origin': 'https://app.example', 'access-control-allow-credentials': 'true' },
    });
    expect(sent).toMatchObject({ status: 200, headers: { 'access-control-allow-origin': 'https://app.example' } });
  });

  it('leaves its connection open for the next one', async () => {
    const [owner, other] = await startPair();
    const sid = await beginSession(owner.url);
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    onTestFinished(() => agent.destroy());
    const opened: unknown[] = [];
    other.io.httpServer.on('connection', (connection) => opened.push(connection));

    for (let round = 0; round < 5; round++) await ask(other.url, { sid, body: '42["hello"]', agent });

    expect(opened).toHaveLength(1);
  });

  it('may be followed on its connection before it is answered', async () => {
    const [owner, other] = await startPair();
    const sid = await beginSession(owner.url);
    const said = once(socketOf(owner), 'hello');
    const { hostname, port } = new URL(other.url);
    const connection = connect(Number(port), hostname);
    onTestFinished(() => void connection.destroy());
    let received = '';
    connection.on('data', (chunk: Buffer) => void (received += chunk.toString()));

    const head = (method: string): string => `${method} ${enginePath(sid)} HTTP/1.1\r\nHost: localhost\r\n`;
    connection.write(`${head('GET')}\r\n${head('POST')}Content-Length: 11\r\n\r\n42["hello"]`);
    await said;
    expect(received).toBe('');
    owner.io.emit('heard');

    const both = await eventually(
      () => received,
      (text) => text.includes('ok'),
    );
    expect(both.match(/HTTP\/1.1 200 OK/g)).toHaveLength(2);
    expect(both.indexOf('42["heard"]')).toBeLessThan(both.indexOf('ok'));
  });

  it('cannot hide a body behind so many headers that Node overlooks it', async () => {
    const [owner, other] = await startPair();
    const [attacker, victim] = [await beginSession(owner.url), await beginSession(owner.url)];
    const { hostname, port } = new URL(other.url);
    const connection = connect(Number(port), hostname);
    onTestFinished(() => void connection.destroy());
    let received = '';
    connection.on('data', (chunk: Buffer) => void (received += chunk.toString()));

    const hidden = 'POST /smuggled HTTP/1.1\r\nContent-Length: 500\r\n\r\n';
    const head = `OPTIONS ${enginePath(attacker)} HTTP/1.1\r\nHost: localhost\r\n${'Connection:a\r\n'.repeat(1_000)}`;
    connection.write(`${head}Content-Length: ${hidden.length}\r\n\r\n${hidden}`);
    await eventually(
      () => received,
      (text) => text.includes('\r\n\r\n'),
    );

    expect(received).toMatch(/^HTTP\/1\.1 431 /);
    expect(await ask(other.url, { sid: victim, body: '42["hello"]' })).toMatchObject({ status: 200, body: 'ok' });
    expect(owner.answered.map(({ url }) => url)).not.toContain('/smuggled');
  });

  it('may be of HTTP/1.0', async () => {
    const [owner, other] = await startPair();
    const sid = await beginSession(owner.url);
    const { hostname, port } = new URL(other.url);
    const connection = connect(Number(port), hostname);
    onTestFinished(() => void connection.destroy());
    let received = '';
    connection.on('data', (chunk: Buffer) => void (received += chunk.toString()));

    connection.write(`POST ${enginePath(sid)} HTTP/1.0\r\nContent-Length: 11\r\n\r\n42["hello"]`);
    await once(connection, 'close');

    expect(received).toMatch(/^HTTP\/1.1 200 OK\r\n/);
    expect(received).not.toMatch(/chunked/i);
    expect(owner.answered.at(-1)!.httpVersion).toBe('1.0');
  });

  it('is answered at once as unknown where the owner is gone', async () => {
    const [owner, other] = await startPair();
    const sid = await beginSession(owner.url);
    owner.desk.close();

    expect(await ask(other.url, { sid })).toMatchObject(unknownSession);
    expect(await ask(other.url, { sid, body: '42["hello"]' })).toMatchObject(unknownSession);
  });

  it('is answered as unknown where the owner goes in the middle of it', async () => {
    const [owner, other] = await startPair();
    const sid = await beginSession(owner.url);
    const asked = owner.answered.length;
    const polled = ask(other.url, { sid });
    await eventually(
      () => owner.answered.length,
      (count) => count > asked,
    );

    owner.desk.close();

    expect(await polled).toMatchObject(unknownSession);
  });

  it('is answered with nothing where its worker ends, so that the client asks another one', async () => {
    const [owner, ending, third] = await startSessionWorkers(3);
    const sid = await beginSession(owner!.url);
    const asked = owner!.answered.length;
    const polled = ask(ending!.url, { sid, headers: { Connection: 'keep-alive' } });
    await eventually(
      () => owner!.answered.length,
      (count) => count > asked,
    );

    ending!.desk.release();

    expect(await polled).toMatchObject({ status: 200, body: '6', headers: { connection: 'close' } });
    const again = ask(third!.url, { sid });
    owner!.io.emit('heard');
    expect(await again).toMatchObject({ status: 200, body: '42["heard"]' });
  });
});

describe('a request of no session of this host', () => {
  const hostile = [
    '../',
    '../../../../etc/passwd',
    '1000000000',
    '__proto__',
    'lv_VI97HAXpY6yYWAAAC',
    'A'.repeat(10_240),
  ];

  it.each(hostile)('is refused with 400 before any other worker hears of it: %j', async (sid) => {
    const [owner, other] = await startPair();

    expect(await ask(other.url, { sid })).toMatchObject(unknownSession);
    expect(await ask(other.url, { sid, body: '40' })).toMatchObject(unknownSession);
    expect(owner.answered).toEqual([]);
  });

  it('is refused where a real id was changed by one character, wherever it stands', async () => {
    const [owner, other] = await startPair();
    const sid = await beginSession(owner.url);
    const asked = owner.answered.length;

    for (let at = 0; at < sid.length; at++) {
      const forged = `${sid.slice(0, at)}${sid[at] === 'A' ? 'B' : 'A'}${sid.slice(at + 1)}`;
      expect({ forged, ...(await ask(other.url, { sid: forged })) }).toMatchObject(unknownSession);
    }
    expect(owner.answered).toHaveLength(asked);
  });

  it('is refused by Node itself above its limit for headers', async () => {
    const [, other] = await startPair();

    expect(await ask(other.url, { sid: 'A'.repeat(20_000) })).toMatchObject({ status: 431 });
  });
});

describe('an upgrade that lands on a worker which ends TLS itself', () => {
  it('is passed on, and the owner sees the client’s address and that it is encrypted', async () => {
    const [owner, other] = await startSessionWorkers(2, { tls: true });
    const seen: unknown[] = [];
    owner!.io.engine.on('headers', (_headers: unknown, request: http.IncomingMessage) => {
      const { remoteAddress, remotePort } = request.socket;
      seen.push({ upgrade: request.headers.upgrade, remoteAddress, hasPort: typeof remotePort === 'number' });
    });
    const client = openClient(owner!.url, { forceNew: true, rejectUnauthorized: false, reconnection: false });
    onTestFinished(() => void client.disconnect());
    // The first request begins the session; the upgrade goes to the other worker.
    const engine = client.io.engine;
    client.on('connect_error', (error) => expect.fail(error.message));
    engine.once('handshake', () => {
      const { hostname, port } = new URL(other!.url);
      Object.assign(engine, { hostname, port });
    });
    await once(engine as never, 'upgrade');

    expect(seen).toContainEqual({ upgrade: 'websocket', remoteAddress: '127.0.0.1', hasPort: true });
    const said = once(socketOf(owner!), 'hello');
    client.emit('hello', 'over there');
    expect(await said).toEqual(['over there']);
    expect(other!.answered).toEqual([]);
    const ended = once(socketOf(owner!), 'disconnect');
    client.disconnect();
    expect((await ended)[0]).toMatch(/client namespace disconnect|transport close/);
  });
});

describe('a connection that begins a session', () => {
  it('stays where it began', async () => {
    const [owner, other] = await startPair();
    const client = openClient(owner.url, { forceNew: true, transports: ['websocket'] });
    onTestFinished(() => void client.disconnect());
    await once(client as never, 'connect');

    expect(other.answered).toEqual([]);
    expect(owner.answered).toHaveLength(1);
  });
});

async function startPair(options = {}): Promise<[SessionWorker, SessionWorker]> {
  const [owner, other] = await startSessionWorkers(2, options);
  return [owner!, other!];
}

/** The one client of a worker. */
function socketOf({ io }: SessionWorker): Socket {
  const [socket] = io.sockets.sockets.values();
  return socket!;
}

function asSent({ method, url, httpVersion, headers, rawHeaders }: http.IncomingMessage) {
  return { method, url, httpVersion, headers, rawHeaders: pairsOf(rawHeaders) };
}

function pairsOf(rawHeaders: readonly string[]): string[] {
  return rawHeaders.flatMap((name, at) => (at % 2 === 0 ? [`${name}: ${rawHeaders[at + 1]}`] : [])).toSorted();
}
