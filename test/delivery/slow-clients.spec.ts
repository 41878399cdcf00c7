import { once } from 'node:events';
import { connect as connectTcp } from 'node:net';
import { setImmediate as turn, setTimeout as elapsed } from 'node:timers/promises';
import { type OnGatewayDisconnect, SubscribeMessage, WebSocketGateway, WebSocketServer } from '@nestjs/websockets';
import type { Namespace, Server, Socket as ServerSocket } from 'socket.io';
import { describe, expect, it, onTestFinished } from 'vitest';
import { WebSocket } from 'ws';
import { SlowClients, type SlowClientsOptions } from '../../src/slow-clients.js';
import { ask, beginSession, enginePath } from '../support/engine-requests.js';
import { eventually } from '../support/eventually.js';
import { serveGateways } from '../support/gateways.js';
import { untilFence } from '../support/nodes.js';
import { RawClient } from '../support/raw-client.js';

@WebSocketGateway()
class NewsGateway implements OnGatewayDisconnect {
  @WebSocketServer()
  readonly server!: Server;
  readonly left: unknown[] = [];

  handleDisconnect(_client: ServerSocket, reason?: unknown): void {
    this.left.push(reason);
  }
}

@WebSocketGateway({ namespace: '/log' })
@SlowClients('drop-oldest')
class LogGateway {
  @WebSocketServer()
  readonly server!: Namespace;

  @SubscribeMessage('question')
  answer(): 'answer' {
    return 'answer';
  }
}

@WebSocketGateway({ namespace: 'prices' })
@SlowClients('latest')
class PriceGateway {
  @WebSocketServer()
  readonly server!: Namespace;
}

const bufferBytes = 2 ** 18;
const kilobyte = 'x'.repeat(1_000);
const bytes = Buffer.alloc(1_000, 7);
/** More than the kernel takes of a connection on this host. */
const muchMore = 20_000;

describe('a client that does not read, of a namespace that disconnects such clients', () => {
  it('is disconnected as a slow client once more waits for it than may', async () => {
    const { news, adapter, stuck, socket } = await start();
    const gone = once(socket, 'disconnect');
    const largest: number[] = [];

    for (let sequence = 0; socket.connected && sequence < muchMore; sequence++) {
      news.server.emit('said', sequence, kilobyte);
      await turn();
      largest.push(adapter.slowClients.largestWaitingBytes);
    }

    expect((await gone)[0]).toBe('slow client');
    await eventually(
      () => news.left,
      (left) => left[0] === 'slow client',
    );
    // A turn's messages are written before they are counted.
    expect(Math.max(...largest)).toBeGreaterThan(bufferBytes / 2);
    expect(Math.max(...largest)).toBeLessThan(bufferBytes + 2 * kilobyte.length);
    expect(adapter.slowClients).toEqual({ disconnected: 1, dropped: 0, waitingBytes: 0, largestWaitingBytes: 0 });
    // Cut, and not closed behind what waits: what had left this process is all that it can read.
    const ended = once(stuck.socket, 'close');
    stuck.resume();
    await ended;
    expect(stuck.events.length).toBeLessThan(largest.length);
    expect(adapter.connections).toBe(0);
  });

  it.each<[string, (socket: ServerSocket) => void]>([
    ['direct messages', (socket) => void socket.emit('said', kilobyte)],
    ['attachments', (socket) => void socket.emit('said', bytes)],
    [
      'pings',
      ({ conn }) => (conn as unknown as { sendPacket(type: string, data: string): void }).sendPacket('ping', kilobyte),
    ],
    ['what is given to Engine.IO itself', ({ conn }) => void conn.write(`2["said","${kilobyte}"]`)],
  ])('is disconnected by %s as well', async (_, send) => {
    const { socket } = await start();
    const gone = once(socket, 'disconnect');

    await sendUntilGone(socket, () => send(socket));

    expect((await gone)[0]).toBe('slow client');
  });

  it('takes nothing from the others, who hear all in order, and that it has gone after what came before', async () => {
    const { news, connect, socket } = await start();
    const clients = [await connect(), await connect()];
    const heard = clients.map((client) => untilFence(client));
    socket.on('disconnect', () => news.server.emit('said', 'it has gone'));
    let sent = 0;

    for (; socket.connected && sent < muchMore; sent++) {
      news.server.emit('said', sent, kilobyte);
      // The readers are in this process.
      if (sent % 20 === 0) await clients[0]!.timeout(10_000).emitWithAck('nobody serves this');
    }
    news.server.emit('fence');

    const all = (await Promise.all(heard)).map((events) => events.map(([, what]) => what));
    const numbers = Array.from({ length: sent }, (_, sequence) => sequence);
    for (const events of all) {
      expect(events.filter((what) => typeof what === 'number')).toEqual(numbers);
      expect(events).toContain('it has gone');
    }
    expect(all[0]).toEqual(all[1]);
  });

  it('may have one message wait that is larger by itself than the bound, and is let be while it reads it', async () => {
    const { news, stuck, socket, adapter } = await start();

    news.server.emit('said', 'x'.repeat(20_000_000));
    await turn();
    news.server.emit('fence');
    await turn();

    expect(adapter.slowClients.largestWaitingBytes).toBeGreaterThan(2 * bufferBytes);
    stuck.resume();
    await stuck.heard('fence');
    expect(socket.connected).toBe(true);
  });

  it('is disconnected likewise where its messages are compressed', async () => {
    const { news, adapter, url } = await serve({}, { perMessageDeflate: { threshold: 0 } });
    const connected = once(news.server, 'connection') as Promise<[ServerSocket]>;
    const compressing = await openWebSocket(url);
    compressing.send('40');
    const [socket] = await connected;
    compressing.pause();
    const gone = once(socket, 'disconnect');
    const largest: number[] = [];
    const noise = Buffer.from(Array.from({ length: 30_000 }, () => Math.floor(Math.random() * 256)));

    await sendUntilGone(socket, () => {
      socket.emit('said', noise);
      largest.push(adapter.slowClients.largestWaitingBytes);
    });

    expect((await gone)[0]).toBe('slow client');
    expect(Math.max(...largest)).toBeLessThan(2 * bufferBytes);
  });
});

describe('a client that reads', () => {
  it('is not blamed where it was this process that stood still', async () => {
    const { news, stuck, socket } = await start({ bufferAgeMs: 1_000, bufferBytes: 2 ** 26 });
    news.server.emit('said', 'x'.repeat(20_000_000));
    await turn();
    const until = performance.now() + 1_500;
    while (performance.now() < until);
    stuck.resume();

    news.server.emit('fence');
    await stuck.until('42["fence"');

    expect(socket.connected).toBe(true);
  });
});

describe('a client that does not read, of a namespace that drops the oldest', () => {
  it('misses whole messages from the oldest on, and nothing that is its own', async () => {
    const { log, logSocket, adapter, stuck } = await start();
    const toAll: unknown[] = [];

    for (let sequence = 0; sequence < muchMore; sequence++) {
      log.server.emit('line', sequence, kilobyte, ...(sequence % 3 === 0 ? [bytes, bytes] : []));
      toAll.push(sequence);
      if (sequence % 100 === 0) {
        await turn();
        logSocket.emit('yours', sequence);
        await turn();
      }
      if (sequence === 10_000) stuck.send('42/log,7["question"]');
      if (sequence % 10 === 0) await turn();
      expect(adapter.slowClients.largestWaitingBytes).toBeLessThan(bufferBytes + 100_000);
    }
    log.server.emit('fence');
    stuck.resume();
    const events = await eventsUntilFence(stuck, '/log');

    const lines = events.filter(([event]) => event === 'line').map(([, sequence]) => sequence as number);
    const { dropped, disconnected } = adapter.slowClients;
    expect(disconnected).toBe(0);
    expect(dropped).toBeGreaterThan(1_000);
    expect(lines).toHaveLength(muchMore - dropped);
    expect(lines).toEqual(lines.toSorted((one, other) => one - other));
    // The newest are all there, but for a share of the bound.
    expect(lines.slice(-100)).toEqual(Array.from({ length: 100 }, (_, index) => muchMore - 100 + index));
    expect(events.filter(([event]) => event === 'yours').map(([, sequence]) => sequence)).toEqual(
      Array.from({ length: muchMore / 100 }, (_, index) => index * 100),
    );
    expect(stuck.frames).toContain('43/log,7["answer"]');
    const inOrder = events.map(([, sequence]) => sequence as number);
    expect(inOrder).toEqual(inOrder.toSorted((one, other) => one - other));
  });

  it('misses whole messages as well where Engine.IO writes them, since somebody looks at each packet', async () => {
    const { log, logSocket, adapter, stuck } = await start();
    const count = 1_000;
    logSocket.conn.on('flush', () => {});

    // Mostly text, so that it is a text that the kernel does not take, while its attachments have not left yet.
    for (let sequence = 0; sequence < count; sequence++) {
      log.server.emit('line', sequence, kilobyte.repeat(50), Buffer.alloc(10), Buffer.alloc(10));
      await turn();
      await turn();
    }
    log.server.emit('fence');
    stuck.resume();
    const events = await eventsUntilFence(stuck, '/log');

    const numbers = events.map(([, sequence]) => sequence as number);
    expect(adapter.slowClients.dropped).toBeGreaterThan(count / 10);
    expect(numbers).toHaveLength(count - adapter.slowClients.dropped);
    expect(numbers).toEqual(numbers.toSorted((one, other) => one - other));
  });

  it('keeps the messages of other namespaces on the same connection', async () => {
    const { news, log, adapter, stuck } = await start();

    for (let sequence = 0; sequence < muchMore; sequence++) {
      log.server.emit('line', sequence, kilobyte);
      if (sequence % 100 === 0) news.server.emit('said', sequence);
      if (sequence % 10 === 0) await turn();
    }
    log.server.emit('fence');
    stuck.resume();
    await eventsUntilFence(stuck, '/log');

    expect(adapter.slowClients.dropped).toBeGreaterThan(1_000);
    expect(stuck.events).toEqual(Array.from({ length: muchMore / 100 }, (_, index) => ['said', index * 100]));
  });

  it('is disconnected where nothing waits that may be dropped', async () => {
    const { log, logSocket } = await start();
    const gone = once(logSocket, 'disconnect');

    await sendUntilGone(logSocket, () => {
      log.server.emit('line', kilobyte);
      logSocket.emit('yours', kilobyte);
    });

    expect((await gone)[0]).toBe('slow client');
  });

  it('misses no message that asks for an acknowledgement', async () => {
    const { log, logSocket } = await start();
    const gone = once(logSocket, 'disconnect');

    await sendUntilGone(logSocket, () => log.server.timeout(60_000).emit('question', kilobyte, () => {}));

    expect((await gone)[0]).toBe('slow client');
  });
});

describe('a client that does not read, of a namespace that keeps the latest', () => {
  it('hears the newest of each event that waited, in order, and nothing older once it has caught up', async () => {
    const { prices, priceSocket, adapter, stuck } = await start();
    const events = ['rise', 'fall', 'halt'];
    let waited = 0;

    for (let sequence = 0; sequence < muchMore; sequence++) {
      const before = adapter.slowClients.dropped;
      prices.server.emit(events[sequence % 3]!, sequence, kilobyte, ...(sequence % 2 === 0 ? [bytes] : []));
      if (sequence % 1_000 === 0) priceSocket.emit('yours', sequence);
      if (sequence % 10 === 0) await turn();
      if (adapter.slowClients.dropped > before) waited = sequence;
    }
    // Once more than may wait, so that what waits is chosen from at the end.
    for (let sequence = muchMore; adapter.slowClients.dropped > 0; sequence++) {
      const before = adapter.slowClients.dropped;
      prices.server.emit(events[sequence % 3]!, sequence, kilobyte);
      await turn();
      waited = sequence;
      if (adapter.slowClients.dropped > before) break;
    }
    prices.server.emit('fence');
    stuck.resume();
    const heard = await eventsUntilFence(stuck, '/prices');

    const newest = heard.filter(([event]) => event !== 'yours').slice(-3);
    expect(newest.map(([, sequence]) => sequence)).toEqual([waited - 2, waited - 1, waited]);
    expect(new Set(newest.map(([event]) => event))).toEqual(new Set(events));
    const numbers = heard.map(([, sequence]) => sequence as number);
    expect(numbers).toEqual(numbers.toSorted((one, other) => one - other));
    expect(heard.filter(([event]) => event === 'yours')).toHaveLength(muchMore / 1_000);
    expect(heard.length - muchMore / 1_000).toBe(waited + 1 - adapter.slowClients.dropped);
    expect(adapter.slowClients.disconnected).toBe(0);
  });
});

describe('a client on long-polling that polls no more', () => {
  it('is disconnected once more waits for it than may', async () => {
    const { news, adapter, socket } = await startPolling('');
    const gone = once(socket, 'disconnect');
    let sent = 0;

    while (socket.connected && sent < muchMore) {
      news.server.emit('said', sent++, kilobyte);
      await turn();
    }

    expect((await gone)[0]).toBe('slow client');
    expect(sent * kilobyte.length).toBeGreaterThan(bufferBytes / 2);
    expect(sent * kilobyte.length).toBeLessThan(bufferBytes + 10 * kilobyte.length);
    expect(adapter.slowClients).toMatchObject({ disconnected: 1, waitingBytes: 0 });
  });

  it('goes after the message that was too much, for all that hear both', async () => {
    const { news, connect, url } = await serve();
    const before = await connect();
    const connected = once(news.server, 'connection') as Promise<[ServerSocket]>;
    await beginSession(url);
    const [socket] = await connected;
    const after = await connect();
    const heard = [before, after].map((client) => untilFence(client));
    socket.on('disconnect', () => news.server.emit('said', 'it has gone'));

    await sendUntilGone(socket, () => news.server.emit('said', kilobyte));
    news.server.emit('fence');

    const [one, other] = await Promise.all(heard);
    expect(one!.map(([, what]) => what)).toContain('it has gone');
    expect(other).toEqual(one);
  });

  it('misses whole messages of a namespace that drops the oldest, and polls again', async () => {
    const { log, adapter, url, id } = await startPolling('/log');

    for (let sequence = 0; sequence < 2_000; sequence++) {
      log.server.emit('line', sequence, kilobyte, bytes);
      if (sequence % 10 === 0) await turn();
      expect(adapter.slowClients.largestWaitingBytes).toBeLessThan(bufferBytes + 10_000);
    }
    const { body } = await ask(url, { sid: id });

    const packets = body.split('\u001e');
    const numbers = packets
      .filter((packet) => packet.startsWith('451-'))
      .map((packet) => Number(/\["line",(\d+)/.exec(packet)![1]));
    expect(numbers).toEqual(Array.from({ length: numbers.length }, (_, index) => 2_000 - numbers.length + index));
    expect(adapter.slowClients.dropped).toBe(2_000 - numbers.length);
    expect(packets.map((packet) => packet[0])).toEqual(numbers.flatMap(() => ['4', 'b']));
  });

  it('is disconnected when it does not take the answer to a poll', async () => {
    const { news, adapter, url, id, socket } = await startPolling('', { bufferAgeMs: 300 });
    const gone = once(socket, 'disconnect');

    news.server.emit('said', 'x'.repeat(20_000_000));
    const { hostname, port } = new URL(url);
    const tcp = connectTcp(Number(port), hostname).on('error', () => {});
    tcp.pause();
    tcp.write(`GET ${enginePath(id)} HTTP/1.1\r\nHost: localhost\r\n\r\n`);

    expect((await gone)[0]).toBe('slow client');
    expect(adapter.slowClients).toMatchObject({ disconnected: 1, waitingBytes: 0 });
    tcp.resume();
    await once(tcp, 'close');
  });

  it('is disconnected likewise when it has gone on to WebSocket, and reads nothing there', async () => {
    const { news, url, id, socket } = await startPolling('');
    const gone = once(socket, 'disconnect');
    const upgraded = new Promise((resolve) => socket.conn.once('upgrade', resolve));
    const webSocket = await openWebSocket(url, id);
    webSocket.send('2probe');
    await once(webSocket, 'message');
    webSocket.send('5');
    await upgraded;
    webSocket.pause();

    await sendUntilGone(socket, () => news.server.emit('said', kilobyte));

    expect((await gone)[0]).toBe('slow client');
  });

  it('is disconnected when it has begun to upgrade and goes no further', async () => {
    const { news, url, id, socket } = await startPolling('');
    const gone = once(socket, 'disconnect');
    const probe = await openWebSocket(url, id);
    probe.send('2probe');
    await once(probe, 'message');

    await sendUntilGone(socket, () => news.server.emit('said', kilobyte));

    expect((await gone)[0]).toBe('slow client');
  });
});

describe('a client for which bytes wait too long', () => {
  it('is disconnected although it reads on, a byte at a time', async () => {
    const { news, adapter, url } = await serve({ bufferBytes: 2 ** 30, bufferAgeMs: 500 });
    const connected = once(news.server, 'connection') as Promise<[ServerSocket]>;
    const trickle = openTrickle(url);
    const [socket] = await connected;
    const gone = once(socket, 'disconnect');

    const since = performance.now();
    while (adapter.slowClients.waitingBytes < 2_000_000) {
      socket.emit('said', kilobyte);
      await turn();
    }

    expect((await gone)[0]).toBe('slow client');
    expect(performance.now() - since).toBeGreaterThan(400);
    expect(trickle.bytesRead).toBeGreaterThan(0);
  });

  it('is disconnected although no more comes, whatever the policy', async () => {
    const { log, logSocket, adapter } = await start({ bufferAgeMs: 500 });
    const gone = once(logSocket, 'disconnect');

    for (let sequence = 0; adapter.slowClients.dropped === 0; sequence++) {
      log.server.emit('line', sequence, kilobyte);
      await turn();
    }

    expect((await gone)[0]).toBe('slow client');
  });

  it('misses what has waited too long to be sent, and is let be while it reads on', async () => {
    const { log, logSocket, adapter, stuck } = await start({ bufferBytes: 2 ** 30, bufferAgeMs: 2_000 });
    const readOn = setInterval(() => stuck.resume(), 5);
    onTestFinished(() => clearInterval(readOn));
    stuck.socket.on('data', () => stuck.pause());
    let sent = 0;

    while (adapter.slowClients.dropped === 0 && logSocket.connected) {
      for (let count = 0; count < 100; count++) log.server.emit('line', sent++, kilobyte);
      await elapsed(adapter.slowClients.waitingBytes > 60_000_000 ? 10 : 1);
    }
    clearInterval(readOn);
    expect(logSocket.connected).toBe(true);
    log.server.emit('fence');
    stuck.socket.on('data', () => stuck.resume());
    stuck.resume();
    const events = await eventsUntilFence(stuck, '/log');

    const numbers = events.map(([, sequence]) => sequence as number);
    expect(numbers).toHaveLength(sent - adapter.slowClients.dropped);
    expect(numbers).toEqual(numbers.toSorted((one, other) => one - other));
  });

  it('is let be as long as each byte is taken in time, however long something waits', async () => {
    const { news, adapter, stuck, socket } = await start({ bufferBytes: 2 ** 30, bufferAgeMs: 1_500 });
    const until = performance.now() + 4_000;
    let looks = 0;

    for (let sequence = 0; performance.now() < until; sequence++) {
      while (adapter.slowClients.waitingBytes < 2_000_000) {
        news.server.emit('said', sequence, kilobyte);
        await turn();
      }
      looks++;
      await readOnce(stuck);
    }

    expect(looks).toBeGreaterThan(50);
    expect(socket.connected).toBe(true);
  });
});

describe('the policy of a namespace', () => {
  it('is that of the adapter’s options before that of its gateways', async () => {
    const { logSocket, log, adapter } = await start({ byNamespace: { '/log': 'disconnect' } });
    const gone = once(logSocket, 'disconnect');

    await sendUntilGone(logSocket, () => log.server.emit('line', kilobyte));

    expect((await gone)[0]).toBe('slow client');
    expect(adapter.slowClients.dropped).toBe(0);
  });

  it('is that of all where it has none of its own', async () => {
    const { news, socket, adapter } = await start({ policy: 'drop-oldest' });

    while (adapter.slowClients.dropped === 0) {
      news.server.emit('said', kilobyte);
      await turn();
    }

    expect(socket.connected).toBe(true);
  });
});

function serve(slowClients: SlowClientsOptions = {}, server: object = {}) {
  const options = { transports: ['polling' as const, 'websocket' as const], pingInterval: 600_000, ...server };
  return serveGateways([NewsGateway, LogGateway, PriceGateway], {
    slowClients: { bufferBytes, ...slowClients },
    server: options,
  }).then((served) => ({
    ...served,
    news: served.app.get(NewsGateway),
    log: served.app.get(LogGateway),
    prices: served.app.get(PriceGateway),
  }));
}

/** A client of all namespaces that has stopped to read. */
async function start(slowClients: SlowClientsOptions = {}) {
  const served = await serve(slowClients);
  const { news, log, prices } = served;
  const stuck = await RawClient.connect(served.url);
  const socket = news.server.sockets.sockets.get(stuck.id)!;
  const logSocket = log.server.sockets.get(await stuck.join('/log'))!;
  const priceSocket = prices.server.sockets.get(await stuck.join('/prices'))!;
  stuck.pause();
  return { ...served, stuck, socket, logSocket, priceSocket };
}

async function startPolling(namespace: string, slowClients: SlowClientsOptions = {}) {
  const served = await serve(slowClients);
  const connected = new Promise<ServerSocket>((resolve) =>
    served.news.server.of(namespace || '/').once('connection', resolve),
  );
  const id = await beginSession(served.url, namespace);
  return { ...served, id, socket: await connected };
}

async function readOnce({ socket }: RawClient): Promise<void> {
  socket.resume();
  await once(socket, 'data');
  socket.pause();
  await elapsed(1);
}

async function sendUntilGone(socket: ServerSocket, send: () => unknown): Promise<void> {
  for (let count = 0; socket.connected && count < muchMore; count++) {
    send();
    await turn();
  }
}

/** The events of a namespace. Throws where one has not come with all its attachments right behind it. */
async function eventsUntilFence(client: RawClient, namespace: string): Promise<unknown[][]> {
  await client.until(`42${namespace},["fence"]`);
  const events: unknown[][] = [];
  let attachments = 0;
  for (const frame of client.frames) {
    const [, count = '0', json] = /^4(?:2|5(\d+)-)(?:\/\w+,)(\[.*)$/s.exec(String(frame)) ?? [];
    if (typeof frame === 'string' ? attachments > 0 : attachments === 0)
      throw new Error(`An attachment is missing or alone at ${String(frame).slice(0, 50)}.`);
    if (typeof frame === 'string') attachments = Number(count);
    else attachments--;
    if (json && String(frame).includes(`${namespace},`)) events.push(JSON.parse(json) as unknown[]);
  }
  return events.filter(([event]) => event !== 'fence');
}

/** A WebSocket of Engine.IO, of a session that has begun already if one is given. It ends with the test. */
async function openWebSocket(url: string, session?: string): Promise<WebSocket> {
  const { host } = new URL(url);
  const query = `EIO=4&transport=websocket${session === undefined ? '' : `&sid=${encodeURIComponent(session)}`}`;
  const webSocket = new WebSocket(`ws://${host}/socket.io/?${query}`);
  onTestFinished(() => webSocket.terminate());
  webSocket.on('error', () => {});
  await once(webSocket, 'open');
  return webSocket;
}

/** A client that connects, and then reads a byte now and then. */
function openTrickle(url: string) {
  const { hostname, port } = new URL(url);
  const callback = (): boolean => {
    // The first byte is the answer to the upgrade.
    if (tcp.bytesRead === 1) tcp.write(RawClient.frame('40'));
    setTimeout(() => tcp.resume(), 20);
    return false;
  };
  const tcp = connectTcp({ port: Number(port), host: hostname, onread: { buffer: Buffer.alloc(1), callback } });
  tcp.on('error', () => {});
  tcp.write(RawClient.upgrade);
  return tcp;
}
