import { setImmediate as turn } from 'node:timers/promises';
import { SubscribeMessage, WebSocketGateway, WebSocketServer } from '@nestjs/websockets';
import type { Server, Socket as ServerSocket } from 'socket.io';
import { describe, expect, it } from 'vitest';
import { carriers } from '../support/carriers.js';
import { ask, beginSession } from '../support/engine-requests.js';
import { type AdapterName, serveGateways } from '../support/gateways.js';
import { type Node, startNodes, untilFence } from '../support/nodes.js';
import { RawClient } from '../support/raw-client.js';

@WebSocketGateway()
class NewsGateway {
  @WebSocketServer()
  readonly server!: Server;

  @SubscribeMessage('settle')
  settle(): true {
    return true;
  }
}

const bytes = Buffer.alloc(100, 7);

/** Ways to send something volatile. */
const ways: Record<
  string,
  (server: Server, socket: ServerSocket) => { emit(event: string, ...args: unknown[]): unknown }
> = {
  broadcast: (server) => server.volatile,
  'sent to a room': (server, socket) => server.to(socket.id).volatile,
  'sent directly': (_, socket) => socket.volatile,
};

/** How many of a hundred in one turn a client hears that reads, and of ten that each follow another message. */
const heardOf: Record<AdapterName, { ofHundred: number; ofTen: number }> = {
  stock: { ofHundred: 1, ofTen: 0 },
  ours: { ofHundred: 100, ofTen: 10 },
};

describe.each(Object.entries(heardOf))(
  'with the adapter of %s, a volatile message',
  (adapter, { ofHundred, ofTen }) => {
    describe.each(Object.keys(ways))('%s to a client that reads', (way) => {
      it(`is heard ${ofHundred} times of 100 in one turn`, async () => {
        const { server, client, socket } = await start(adapter as AdapterName);
        const heard = untilFence(client);

        for (let sequence = 0; sequence < 100; sequence++) ways[way]!(server, socket).emit('maybe', sequence);
        server.emit('fence');

        expect(await heard).toEqual(Array.from({ length: ofHundred }, (_, sequence) => ['maybe', sequence]));
      });

      it(`is heard ${ofTen} times of 10 right after another message`, async () => {
        const { server, client, socket } = await start(adapter as AdapterName);
        const heard = untilFence(client);

        for (let sequence = 0; sequence < 10; sequence++) {
          server.emit('surely', sequence);
          ways[way]!(server, socket).emit('maybe', sequence);
          await client.emitWithAck('settle');
        }
        server.emit('fence');

        const all = await heard;
        expect(all.filter(([event]) => event === 'surely')).toHaveLength(10);
        expect(all.filter(([event]) => event === 'maybe')).toHaveLength(ofTen);
      });
    });
  },
);

describe('a volatile message to a client that reads', () => {
  it('is heard although the same turn has sent more than is let wait', async () => {
    const { server, client, socket } = await start('ours');
    const heard = untilFence(client);

    server.emit('surely', 'x'.repeat(20_000));
    server.volatile.emit('maybe', 'to all');
    socket.volatile.emit('maybe', 'directly');
    server.emit('fence');

    expect((await heard).slice(1)).toEqual([
      ['maybe', 'to all'],
      ['maybe', 'directly'],
    ]);
  });

  it('comes with its attachments, each time', async () => {
    const { server, client, socket } = await start('ours');
    const heard = untilFence(client);

    for (let sequence = 0; sequence < 50; sequence++) {
      server.volatile.emit('maybe', sequence, bytes);
      socket.volatile.emit('maybe', sequence, { bytes });
    }
    server.emit('fence');

    const pairs = Array.from({ length: 50 }, (_, sequence) => [
      ['maybe', sequence, bytes],
      ['maybe', sequence, { bytes }],
    ]);
    expect(await heard).toEqual(pairs.flat());
  });

  it.each(carriers)(
    'is heard 100 times of 100 that another node sends in one turn over the %s carrier',
    async (carrier) => {
      const [near, far] = (await startNodes(carrier, 2)) as [Node, Node];
      const client = await near.connect();
      const heard = untilFence(client);

      for (let sequence = 0; sequence < 100; sequence++) far.server.volatile.emit('maybe', sequence);
      far.server.emit('fence');

      expect(await heard).toEqual(Array.from({ length: 100 }, (_, sequence) => ['maybe', sequence]));
    },
  );
});

describe('a client that does not read', () => {
  it('misses what is volatile while bytes wait for it, and nothing else; and none of it once it has caught up', async () => {
    const { near, client, socket } = await startStuck();
    const reader = await near.connect();
    const readerHeard = untilFence(reader);

    for (let sequence = 0; sequence < 10; sequence++) {
      for (const way of Object.values(ways)) {
        way(near.server, socket).emit('maybe', sequence);
        way(near.server, socket).emit('maybe', sequence, bytes);
      }
      near.server.emit('surely', sequence, bytes);
    }
    near.server.emit('fence');
    client.resume();
    await client.heard('fence');

    const attachment = { _placeholder: true, num: 0 };
    const surely = Array.from({ length: 10 }, (_, sequence) => [sequence, attachment]);
    expect(client.frames.filter((frame) => String(frame).includes('maybe'))).toEqual([]);
    expect(client.frames.slice(-21, -1)).toEqual(
      surely.flatMap((args) => [`451-${JSON.stringify(['surely', ...args])}`, bytes]),
    );
    expect((await readerHeard).filter(([event]) => event === 'maybe')).toHaveLength(20);

    for (const way of Object.values(ways)) way(near.server, socket).emit('maybe', 'again');
    near.server.emit('fence again');
    await client.heard('fence again');
    expect(client.events.slice(-4)).toEqual([...Object.keys(ways).map(() => ['maybe', 'again']), ['fence again']]);
  });

  it.each(carriers)('misses what is volatile of another node as well, over the %s carrier', async (carrier) => {
    const { near, far, client } = await startStuck(carrier);
    const reader = await near.connect();
    const readerHeard = untilFence(reader);

    for (let sequence = 0; sequence < 20; sequence++) far.server.volatile.emit('maybe', sequence);
    far.server.emit('fence');
    const heard = await readerHeard;
    client.resume();
    await client.heard('fence');

    expect(heard).toHaveLength(20);
    expect(client.events.filter(([event]) => event === 'maybe')).toEqual([]);
  });
});

describe('a client on long-polling, between two of its polls', () => {
  it.each(Object.keys(ways))('misses nothing volatile that is %s while little waits', async (way) => {
    const { near, id, socket } = await startPolling();

    near.server.emit('surely', 'x'.repeat(10_000));
    ways[way]!(near.server, socket).emit('maybe', 1);
    ways[way]!(near.server, socket).emit('maybe', 2);

    const { body } = await ask(near.url, { sid: id });
    expect(body.split('\u001e').slice(1)).toEqual(['42["maybe",1]', '42["maybe",2]']);
  });

  it.each(Object.keys(ways))('misses what is volatile and %s while much waits, and nothing else', async (way) => {
    const { near, id, socket } = await startPolling();

    near.server.emit('surely', 'x'.repeat(40_000));
    ways[way]!(near.server, socket).emit('maybe', 1);
    near.server.emit('surely', 2);

    const { body } = await ask(near.url, { sid: id });
    expect(body.split('\u001e').slice(1)).toEqual(['42["surely",2]']);
    ways[way]!(near.server, socket).emit('maybe', 3);
    near.server.emit('surely', 4);
    expect((await ask(near.url, { sid: id })).body.split('\u001e')).toEqual(['42["maybe",3]', '42["surely",4]']);
  });
});

async function start(adapter: AdapterName) {
  const { app, connect } = await serveGateways([NewsGateway], { adapter });
  const { server } = app.get(NewsGateway);
  const client = await connect();
  return { server, client, socket: server.sockets.sockets.get(client.id!)! };
}

/** A client that has stopped to read, with more waiting for it than the kernel takes. */
async function startStuck(carrier: (typeof carriers)[number] = 'embedded') {
  const [near, far] = (await startNodes(carrier, 2, { slowClients: { bufferBytes: 2 ** 30 } })) as [Node, Node];
  const client = await RawClient.connect(near.url);
  const socket = near.server.sockets.sockets.get(client.id)!;
  client.pause();
  for (let megabytes = 0; megabytes < 20; megabytes++) {
    socket.emit('filling', 'x'.repeat(1_000_000));
    await turn();
  }
  return { near, far, client, socket };
}

async function startPolling() {
  const [near] = (await startNodes('embedded', 1, { server: { transports: ['polling'] } })) as [Node];
  const connected = new Promise<ServerSocket>((resolve) => near.server.once('connection', resolve));
  const id = await beginSession(near.url);
  return { near, id, socket: await connected };
}
