import { stat } from 'node:fs';
import { setImmediate as turn } from 'node:timers/promises';
import type { Socket as ServerSocket } from 'socket.io';
import type { Socket as ClientSocket } from 'socket.io-client';
import { describe, expect, it, vi } from 'vitest';
import { carriers } from '../support/carriers.js';
import { next } from '../support/clients.js';
import { type Node, type NodeOptions, startNodes, untilFence } from '../support/nodes.js';
import { RawClient } from '../support/raw-client.js';
import { countWrites, type Writes } from '../support/write-counter.js';

const many = 16;
const bytes = Buffer.alloc(200, 7);

/** What one turn may hold for a client, and how. */
const turns: Record<string, (node: Node, socket: ServerSocket) => void> = {
  broadcasts: ({ server }) => repeat((sequence) => server.emit('said', sequence)),
  'messages to rooms': ({ server }) => repeat((sequence) => server.to(['lobby', 'hall']).emit('said', sequence)),
  'binary broadcasts': ({ server }) => repeat((sequence) => server.emit('said', sequence, bytes)),
  'direct messages': (_, socket) => repeat((sequence) => void socket.emit('said', sequence)),
  'binary direct messages': (_, socket) => repeat((sequence) => void socket.emit('said', sequence, { bytes })),
  'messages of every kind': ({ server }, socket) =>
    repeat((sequence) => {
      server.emit('said', sequence);
      socket.emit('said', sequence, bytes);
      server.to(socket.id).emit('said', sequence, { bytes });
      server.volatile.emit('said', sequence);
      server.to('lobby').emit('said', sequence);
    }),
  'questions to all and to one': ({ server }, socket) =>
    repeat((sequence) => {
      server.timeout(10_000).emit('asked', sequence, () => {});
      socket.timeout(10_000).emit('asked', sequence, () => {});
    }),
};

describe.each(Object.keys(turns))(`${many} %s in one turn`, (kind) => {
  it('leave for each of many clients in one write, and are all heard in order', async () => {
    const { node, clients, sockets, writes } = await start(5);
    const heard = clients.map((client) => untilFence(client));
    const directlyTo = kind.includes('direct') ? [0] : sockets.map((_, index) => index);

    turns[kind]!(node, sockets[0]!);
    await turn();

    expect(writes.map((each) => each.taken())).toEqual(sockets.map((_, index) => (directlyTo.includes(index) ? 1 : 0)));
    node.server.emit('fence');
    for (const index of directlyTo) {
      const sequences = (await heard[index]!).map(([, sequence]) => sequence as number);
      expect(sequences).toEqual(sequences.toSorted((a, b) => a - b));
      expect(new Set(sequences).size).toBe(many);
    }
  });
});

describe('acknowledgements', () => {
  it('of events that came together leave in one write, with all else that the turn holds', async () => {
    const { node, clients, sockets, writes } = await start(1);
    const [client, socket] = [clients[0]!, sockets[0]!];
    let asked = 0;
    const answered = new Promise<void>((resolve) => {
      const answers: (() => void)[] = [];
      socket.on('ask', (answer: () => void) => {
        answers.push(answer);
        if (++asked < many) return;
        for (const each of answers) each();
        node.server.emit('said', 'beside it');
        resolve();
      });
    });
    const heard = next(client, 'said');
    const all = Promise.all(Array.from({ length: many }, () => client.emitWithAck('ask')));

    await answered;
    await turn();
    const taken = writes[0]!.taken();
    await all;

    expect(taken).toBe(1);
    expect(await heard).toEqual(['beside it']);
  });
});

describe('a ping', () => {
  it('leaves with what else the turn holds', async () => {
    const { node, clients, sockets, writes } = await start(1, { server: { pingInterval: 300, pingTimeout: 10_000 } });
    const heard = untilFence(clients[0]!);
    await pinged(sockets[0]!);
    turns['broadcasts']!(node, sockets[0]!);
    await turn();

    expect(writes[0]!.taken()).toBe(1);
    node.server.emit('fence');
    expect(await heard).toHaveLength(many);
  });
});

describe('messages of several turns', () => {
  it('leave in one write for each turn', async () => {
    const { node, sockets, writes } = await start(2);

    for (let round = 0; round < 10; round++) {
      turns['broadcasts']!(node, sockets[0]!);
      await turn();
      expect(writes.map((each) => each.taken())).toEqual([1, 1]);
    }
  });

  it('reach each client in the reads in which they were written', async () => {
    const { node } = await start(0);
    const client = await RawClient.connect(node.url);
    await turn();
    const before = client.reads.length;

    turns['broadcasts']!(node, socketOf(node, client.id));
    node.server.emit('fence');
    await client.heard('fence');

    expect(client.reads.length - before).toBe(1);
    expect(client.events).toHaveLength(many + 1);
  });
});

describe.each(carriers)('broadcasts that another node publishes in one turn over the %s carrier', (carrier) => {
  it('take far fewer writes than there are messages', async () => {
    const [near, far] = (await startNodes(carrier, 2)) as [Node, Node];
    const client = await near.connect();
    const heard = untilFence(client);
    const writes = countWrites(socketOf(near, client.id!).request.socket);

    repeat((sequence) => far.server.emit('said', sequence));
    far.server.emit('fence');

    expect(await heard).toHaveLength(many);
    // How the messages come from the other node is the carrier's affair.
    expect(writes.taken()).toBeLessThanOrEqual(many / 4);
  });
});

describe('a lone message', () => {
  it('leaves in the turn in which it was sent, before anything of the next one', async () => {
    const { node, sockets, writes } = await start(1);

    for (const emit of [
      () => void node.server.emit('said', 'to all'),
      () => void node.server.emit('said', bytes),
      () => void sockets[0]!.emit('said', 'directly'),
    ]) {
      // From within a turn's input, as what comes from a client or another node.
      await inInputPhase(emit);
      await turn();
      expect(writes[0]!.taken()).toBe(1);
    }
  });

  it('waits for no timer', async () => {
    const { node, clients } = await start(1);
    const heard = next(clients[0]!, 'said');
    vi.useFakeTimers({ toFake: ['setTimeout', 'setInterval'] });

    try {
      node.server.emit('said', 'hello');
      expect(await heard).toEqual(['hello']);
    } finally {
      vi.useRealTimers();
    }
  });

  it('is on its way before a turn that takes long', async () => {
    const { node } = await start(0);
    const client = await RawClient.connect(node.url);
    const socket = socketOf(node, client.id);
    const [writes, written] = [countWrites(socket.request.socket), [] as number[]];

    await inInputPhase(() => {
      socket.emit('said', 'hello');
      setImmediate(() => written.push(writes.taken()));
    });
    await turn();

    expect(written).toEqual([1]);
    await client.heard('said');
  });
});

describe('a turn that sends much', () => {
  it('begins to send before it ends', async () => {
    const { node, clients, sockets, writes } = await start(1);
    const heard = untilFence(clients[0]!);
    const large = 'x'.repeat(64_000);

    for (let sequence = 0; sequence < 64; sequence++) node.server.emit('said', sequence, large);
    sockets[0]!.emit('fence');

    expect(writes[0]!.taken()).toBeGreaterThan(0);
    expect((await heard).map(([, sequence]) => sequence)).toEqual(Array.from({ length: 64 }, (_, index) => index));
  });
});

/** One node, and clients whose writes are counted from now on; they are in two rooms. */
async function start(count: number, options: NodeOptions = {}) {
  const [node] = (await startNodes('embedded', 1, options)) as [Node];
  const clients = await Promise.all(Array.from({ length: count }, () => node.connect()));
  const sockets = clients.map(({ id }: ClientSocket) => socketOf(node, id!));
  await Promise.all(sockets.map((socket) => socket.join(['lobby', 'hall'])));
  for (const client of clients) client.on('asked', (_: unknown, answer: () => void) => answer());
  await turn();
  const writes: Writes[] = sockets.map((socket) => countWrites(socket.request.socket));
  return { node, clients, sockets, writes };
}

function socketOf({ server }: Node, id: string): ServerSocket {
  return server.sockets.sockets.get(id)!;
}

function repeat(act: (sequence: number) => void): void {
  for (let sequence = 0; sequence < many; sequence++) act(sequence);
}

/** Resolves in the turn in which the server pings the client. */
function pinged({ conn }: ServerSocket): Promise<void> {
  return new Promise((resolve) => {
    conn.on('packetCreate', function look({ type }) {
      if (type !== 'ping') return;
      conn.off('packetCreate', look);
      resolve();
    });
  });
}

/** Resolves in the phase of the loop in which Node hands over what has come from outside. */
async function inInputPhase(act: () => void): Promise<void> {
  await new Promise<void>((resolve) => {
    stat('.', () => {
      act();
      resolve();
    });
  });
}
