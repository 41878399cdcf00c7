import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { setTimeout as elapsed } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { describe, expect, it, onTestFinished } from 'vitest';
import { startFaultProxy } from './fault-proxy.js';
import { ownRedis } from './redis-carriers.js';

describe('the fault proxy', () => {
  it('passes everything on, both ways, to a real Redis', async () => {
    const proxy = await startFaultProxy(await ownRedis());
    const redis = new Redis(proxy.url);
    onTestFinished(() => redis.disconnect());
    const large = 'x'.repeat(5_000_000);

    expect(await redis.echo(large)).toBe(large);
    expect(await redis.echo('after')).toBe('after');
  });

  it('ends a connection on one side when the other has ended it', async () => {
    const { client, peer } = await start();
    const ended = once(peer, 'end');

    client.end('last words');

    await ended;
    expect(heardBy(peer)).toBe('last words');
    peer.end();
    await once(client, 'close');
  });

  it('delays each byte, and not by how many there are', async () => {
    const { proxy, client, peer } = await start();
    proxy.set({ kind: 'latency', ms: 100 });
    const since = performance.now();

    for (const word of ['a', 'b', 'c', 'd']) {
      client.write(word);
      await elapsed(5);
    }

    await hears(peer, 'abcd');
    expect(performance.now() - since).toBeGreaterThanOrEqual(110);
    expect(performance.now() - since).toBeLessThan(350);
  });

  it('swallows what is said, also over connections that come then, and says so to nobody', async () => {
    const { proxy, client, peer, connectAgain } = await start();
    proxy.set({ kind: 'black hole' });

    client.write('lost');
    const other = await connectAgain();
    other.client.write('lost as well');
    await elapsed(100);
    proxy.heal();
    client.write('after a gap');
    const third = await connectAgain();
    third.client.write('whole');

    await hears(third.peer, 'whole');
    expect([heardBy(peer), heardBy(other.peer)]).toEqual(['', '']);
    expect([client.closed, peer.closed, other.client.closed]).toEqual([false, false, false]);
  });

  it('swallows one direction alone', async () => {
    const { proxy, client, peer } = await start();
    proxy.set({ kind: 'black hole' }, 'to the client');

    peer.write('lost');
    client.write('heard');

    await hears(peer, 'heard');
    expect(heardBy(client)).toBe('');
  });

  it('tells nobody in a black hole that the other side has ended', async () => {
    const { proxy, client, peer } = await start();
    proxy.set({ kind: 'black hole' });

    client.destroy();
    await elapsed(100);

    expect(peer.closed || peer.readableEnded).toBe(false);
    proxy.heal();
    await closing(peer);
  });

  it('keeps what is said until it is healed', async () => {
    const { proxy, client, peer } = await start();
    proxy.set({ kind: 'hold' });

    client.write('kept');
    await elapsed(50);
    expect(heardBy(peer)).toBe('');
    proxy.heal();
    client.write(' and more');

    await hears(peer, 'kept and more');
  });

  it('drips', async () => {
    const { proxy, client, peer } = await start();
    proxy.set({ kind: 'drip', bytes: 2, everyMs: 20 });
    const since = performance.now();

    client.write('0123456789');

    await hears(peer, '0123456789');
    expect(performance.now() - since).toBeGreaterThanOrEqual(75);
  });

  it('cuts in the middle of a reply, with a reset', async () => {
    const { proxy, client, peer } = await start();
    proxy.set({ kind: 'cut', afterBytes: 7 }, 'to the client');
    const [broken, gone] = [once(client, 'error'), closing(peer)];

    peer.write('01234');
    peer.write('56789');

    expect((await broken)[0]).toMatchObject({ code: 'ECONNRESET' });
    await gone;
    expect(heardBy(client)).toBe('0123456');
  });

  it('resets what is open', async () => {
    const { proxy, client } = await start();
    const broken = once(client, 'error');

    proxy.reset();

    expect((await broken)[0]).toMatchObject({ code: 'ECONNRESET' });
    await expect.poll(() => proxy.open).toBe(0);
  });

  it('refuses connections, and takes them again on the same port', async () => {
    const { proxy, client, peer, connectAgain } = await start();

    await proxy.refuse();
    await expect(connectAgain()).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    client.write('still here');
    await hears(peer, 'still here');
    await proxy.accept();

    await connectAgain();
  });

  it('makes a sender wait for a reader that does not read', async () => {
    const { client, peer } = await start();
    peer.pause();
    const size = 64 * 1_048_576;

    client.write(Buffer.alloc(size));
    await elapsed(300);

    expect(client.writableLength).toBeGreaterThan(size / 2);
    peer.resume();
    await once(client, 'drain');
  });

  it.each(['none', 'black hole', 'hold'] as const)(
    'closes, with nothing left open, while it does: %s',
    async (kind) => {
      const { proxy, client, peer } = await start();
      proxy.set({ kind });
      client.write('x');
      const closed = Promise.all(
        [client, peer].map((socket) => new Promise((resolve) => socket.once('close', resolve))),
      );

      await proxy.close();

      await closed;
      await expect.poll(() => proxy.open).toBe(0);
    },
  );
});

const heard = new WeakMap<Socket, string>();

function heardBy(socket: Socket): string {
  return heard.get(socket) ?? '';
}

async function hears(socket: Socket, words: string): Promise<void> {
  while (heardBy(socket) !== words) await once(socket, 'data');
}

/** Unlike `once`, it does not fail with the error that a reset raises first. */
function closing(socket: Socket): Promise<unknown> {
  return new Promise((resolve) => socket.once('close', resolve));
}

function listenTo(socket: Socket): Socket {
  socket.on('error', () => {});
  return socket.on('data', (data: Buffer) => heard.set(socket, heardBy(socket) + data.toString('latin1')));
}

/** A connection through a proxy: the client's end, and the server's. */
async function start() {
  const server = createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  const proxy = await startFaultProxy({ port: (server.address() as AddressInfo).port });
  const connectAgain = async (): Promise<{ client: Socket; peer: Socket }> => {
    const arrived = once(server, 'connection');
    const client = listenTo(connect(proxy.port, '127.0.0.1'));
    onTestFinished(() => void client.destroy());
    await once(client, 'connect');
    const [peer] = (await arrived) as [Socket];
    onTestFinished(() => void peer.destroy());
    return { client, peer: listenTo(peer) };
  };
  return { proxy, connectAgain, ...(await connectAgain()) };
}
