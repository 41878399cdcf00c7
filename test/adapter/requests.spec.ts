import { type EventEmitter, once } from 'node:events';
import { setTimeout as elapsed } from 'node:timers/promises';
import { describe, expect, it, vi } from 'vitest';
import { allCarriers, type CarrierName, carriers } from '../support/carriers.js';
import { openUntyped } from '../support/clients.js';
import { eventually } from '../support/eventually.js';
import { startFleet, startNode, startNodes } from '../support/nodes.js';
import { ownRedis } from '../support/redis-carriers.js';
import type { RedisServer } from '../support/redis-server.js';
import { watchForUnhandled } from '../support/rejections.js';

describe.each(allCarriers)('over the %s carrier', (carrier) => {
  describe('an event that a node raises in the servers', () => {
    it('reaches every other one', async () => {
      const nodes = await startNodes(carrier, 3);
      const heard = nodes.map(
        ({ server }) => new Promise((resolve) => server.on('reload', (...args: unknown[]) => resolve(args))),
      );
      const fence = new Promise((resolve) => nodes[0]!.server.on('fence', () => resolve('fence')));

      nodes[0]!.server.serverSideEmit('reload', 'now', { all: true });
      nodes[1]!.server.serverSideEmit('fence');

      expect(await Promise.all(heard.slice(1))).toEqual([
        ['now', { all: true }],
        ['now', { all: true }],
      ]);
      expect(await Promise.race([heard[0]!, fence])).toBe('fence');
    });

    it('brings the answer of each', async () => {
      const nodes = await startNodes(carrier, 3);
      for (const [index, { server }] of nodes.entries()) {
        server.on('who', (question: string, answer: (name: string) => void) => answer(`${question} ${index}`));
      }

      const answers: string[] = await nodes[0]!.server.serverSideEmitWithAck('who', 'node');

      expect(answers.toSorted()).toEqual(['node 1', 'node 2']);
    });

    it('is answered by nobody where the node is alone', async () => {
      const [node] = await startNodes(carrier, 1);

      expect(await node!.server.serverSideEmitWithAck('who')).toEqual([]);
    });

    it('fails with the answers that came when one does not answer', async () => {
      const nodes = await startNodes(carrier, 3, { requestsTimeoutMs: 300 });
      nodes[1]!.server.on('who', (answer: (name: string) => void) => answer('node 1'));
      nodes[2]!.server.on('who', () => {});

      const error = await nodes[0]!.server.serverSideEmitWithAck('who').catch((reason: unknown) => reason);

      expect(error).toMatchObject({ message: expect.stringContaining('1 responses'), responses: ['node 1'] });
    });
  });

  describe('a message that wants acknowledgements', () => {
    it('brings those of the clients of all nodes', async () => {
      const { nodes, clients } = await startWithClients(carrier);
      for (const [index, client] of clients.entries()) {
        client.on('question', (question: string, answer: (name: string) => void) => answer(`${question} ${index}`));
      }

      const answers = await nodes[0]!.server.timeout(10_000).emitWithAck('question', 'client');

      expect(answers.toSorted()).toEqual(['client 0', 'client 1', 'client 2']);
    });

    it('brings those of the members of a room', async () => {
      const { nodes, clients } = await startWithClients(carrier);
      for (const [index, client] of clients.entries()) {
        client.on('question', (answer: (name: string) => void) => answer(`client ${index}`));
      }
      for (const client of clients.slice(1)) await client.emitWithAck('join', 'lobby');

      const answers = await nodes[0]!.server.to('lobby').timeout(10_000).emitWithAck('question');

      expect(answers.toSorted()).toEqual(['client 1', 'client 2']);
    });

    it('carries binary both ways', async () => {
      const { nodes, clients } = await startWithClients(carrier);
      for (const client of clients)
        client.on('echo', (bytes: Buffer, answer: (bytes: Buffer) => void) => answer(bytes));
      const bytes = Buffer.from([0, 1, 0xff, 0x7b]);

      const answers = (await nodes[0]!.server.timeout(10_000).emitWithAck('echo', bytes)) as Buffer[];

      expect(answers.map((answer) => Buffer.from(answer))).toEqual([bytes, bytes, bytes]);
    });

    it.each([
      ['a circle', circle()],
      ['a BigInt', 1n],
    ])('that holds %s fails for whoever sent it, and alone', async (_, wrong) => {
      const failed = watchForUnhandled();
      const { nodes } = await startWithClients(carrier);

      await expect(nodes[0]!.server.timeout(100).emitWithAck('question', wrong)).rejects.toBeInstanceOf(Error);
      await expect(nodes[0]!.server.serverSideEmitWithAck('who', wrong)).rejects.toBeInstanceOf(Error);

      await failed();
    });

    it('fails with the answers that came when a client elsewhere does not answer', async () => {
      const { nodes, clients } = await startWithClients(carrier);
      for (const client of clients.slice(0, 2)) {
        client.on('question', (answer: (word: string) => void) => answer('here'));
      }

      const error = await nodes[0]!.server
        .timeout(500)
        .emitWithAck('question')
        .catch((reason: unknown) => reason);

      expect(error).toMatchObject({ message: 'operation has timed out', responses: ['here', 'here'] });
    });
  });
});

describe.each([
  ['is down', (redis: RedisServer) => redis.stop()],
  ['is silent', (redis: RedisServer) => Promise.resolve(void redis.process.kill('SIGSTOP'))],
] as const)('while Redis %s', (_, outage) => {
  it('nobody waits longer than was asked for, and gets what is known', async () => {
    const redis = await ownRedis();
    const fleet = startFleet('redis', redis.url);
    const [near] = await Promise.all([startNode(fleet), startNode(fleet)]);
    const client = await near.connect();
    client.on('question', (answer: (word: string) => void) => answer('here'));
    await outage(redis);

    const since = performance.now();
    const sockets = near.server.timeout(500).fetchSockets();
    const found = await sockets.catch((error: { responses: { id: string }[] }) => error.responses);
    const answers = near.server.timeout(500).emitWithAck('question');
    const said = await answers.catch((error: { responses: unknown[] }) => error.responses);

    expect(performance.now() - since).toBeLessThan(3_000);
    expect(found.map(({ id }) => id)).toEqual([client.id]);
    expect(said).toEqual(['here']);
  });
});

describe('a request that nobody can count the answers to', () => {
  it('says so when the time is up', async () => {
    const redis = await ownRedis();
    const node = await startNode(startFleet('redis', redis.url));
    redis.process.kill('SIGSTOP');

    const error = await node.server
      .timeout(200)
      .fetchSockets()
      .catch((reason: unknown) => reason);

    expect(error).toMatchObject({ code: 'ANSWERS_MISSING', responses: [], missing: [], timeoutMs: 200 });
  });
});

describe('a broadcast with acknowledgements to the clients of one node', () => {
  it.each(carriers)('does not wait for others on the %s carrier', async (carrier) => {
    const { nodes, clients } = await startWithClients(carrier);
    clients[0]!.on('question', (answer: (word: string) => void) => answer('here'));

    expect(await nodes[0]!.server.local.timeout(10_000).emitWithAck('question')).toEqual(['here']);
  });
});

describe.each(carriers)('requests over the %s carrier', (carrier) => {
  it('are answered whatever a client says of itself: what is too much of it is refused', async () => {
    const [near, far] = await startNodes(carrier, 2, { requestsTimeoutMs: 2_000 });
    const deep: unknown = JSON.parse(`${'['.repeat(600)}${']'.repeat(600)}`);
    const refused = openUntyped(far!.url, { auth: { deep } });
    const [error] = (await once(refused as unknown as EventEmitter, 'connect_error')) as [Error];
    const client = await far!.connect();

    expect(error.message).toBe('The `auth` is too large.');
    expect((await near!.server.fetchSockets()).map(({ id }) => id)).toEqual([client.id]);
  });

  it('that wait for clients do not ask for each of them who is still there', async () => {
    const nodes = await startNodes(carrier, 4);
    await nodes[1]!.connect();
    const counted = vi.spyOn(nodes[0]!.carrier, 'subscribers');

    for (let count = 0; count < 100; count++) nodes[0]!.server.timeout(1_000).emit('question', () => {});
    await elapsed(1_200);

    // Once as each is asked, and then of every process four times a second.
    expect(counted.mock.calls.length).toBeLessThan(100 + 6 * 5);
    counted.mockRestore();
  });

  it('to the servers end no process where the callback throws', async () => {
    const failed = watchForUnhandled();
    const [near, far] = await startNodes(carrier, 2);
    far!.server.on('who', (answer: (name: string) => void) => answer('far'));
    let called = 0;
    const fail = (): void => {
      called++;
      throw new Error('my own fault');
    };

    near!.server.serverSideEmit('who', fail);
    expect(
      await eventually(
        () => called,
        (count) => count > 0,
      ),
    ).toBe(1);
    await failed();
  });
});

function circle(): object {
  const round: { self?: object } = {};
  return Object.assign(round, { self: round });
}

async function startWithClients(carrier: CarrierName) {
  const nodes = await startNodes(carrier, 3);
  return { nodes, clients: await Promise.all(nodes.map((node) => node.connect())) };
}
