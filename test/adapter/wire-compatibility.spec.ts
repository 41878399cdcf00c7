import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import type { Socket as ClientSocket } from 'socket.io-client';
import { describe, expect, inject, it } from 'vitest';
import { ClusterEmitter } from '../../src/emitter/cluster-emitter.js';
import { Publisher } from '../../src/publisher.js';
import { type Node, type PlainServer, startFleet, startNode, startPlainServer, untilFence } from '../support/nodes.js';

type Side = Pick<Node & PlainServer, 'server' | 'connect'>;

describe('the official emitter in a foreign process', () => {
  it('reaches all clients, a room, a single one, all but some, and carries binary', async () => {
    const { fleet, nodes } = await startTwoNodes();
    const clients = await Promise.all(nodes.map((node) => node.connect()));
    await clients[1]!.emitWithAck('join', 'lobby');
    const heard = clients.map((client) => untilFence(client));

    await emitFromForeignProcess(
      fleet.key,
      `emitter.emit('said', 'to all', { nested: [1, null] });
       emitter.to('lobby').emit('said', 'to the lobby');
       emitter.to(${JSON.stringify(clients[0]!.id)}).emit('said', 'to one');
       emitter.except('lobby').emit('said', 'to the others');
       emitter.to(['lobby', 'hall']).emit('said', Buffer.from([0, 255, 123]));
       emitter.emit('fence');`,
    );

    expect(await Promise.all(heard)).toEqual([
      [
        ['said', 'to all', { nested: [1, null] }],
        ['said', 'to one'],
        ['said', 'to the others'],
      ],
      [
        ['said', 'to all', { nested: [1, null] }],
        ['said', 'to the lobby'],
        ['said', Buffer.from([0, 255, 123])],
      ],
    ]);
  });

  it('reaches the clients of a namespace', async () => {
    const { fleet, nodes } = await startTwoNodes();
    for (const { server } of nodes) server.of('/orders');
    await Promise.all(nodes.map(({ adapter }) => adapter.subscribed()));
    const clients = [await nodes[0].connect(), await nodes[0].connect('/orders'), await nodes[1].connect('/orders')];
    const heard = clients.map((client) => untilFence(client));

    await emitFromForeignProcess(
      fleet.key,
      `emitter.of('/orders').emit('said', 'to orders');
       emitter.of('orders').to(${JSON.stringify(clients[2]!.id)}).emit('said', 'to one');
       emitter.of('/orders').emit('fence');
       emitter.emit('fence');`,
    );

    expect(await Promise.all(heard)).toEqual([
      [],
      [['said', 'to orders']],
      [
        ['said', 'to orders'],
        ['said', 'to one'],
      ],
    ]);
  });

  it('makes clients join, leave and disconnect, and raises events in the servers', async () => {
    const { fleet, nodes } = await startTwoNodes();
    const [member, doomed] = [await nodes[0].connect(), await nodes[1].connect()];
    const events = nodes.map(({ server }) => new Promise((resolve) => server.once('reload', resolve)));
    const gone = new Promise((resolve) => doomed.once('disconnect', resolve));

    await emitFromForeignProcess(
      fleet.key,
      `emitter.in(${JSON.stringify(member.id)}).socketsJoin(['joined', 'left']);
       emitter.in(${JSON.stringify(member.id)}).socketsLeave('left');
       emitter.in(${JSON.stringify(doomed.id)}).disconnectSockets();
       emitter.serverSideEmit('reload', 'now');`,
    );

    expect(await Promise.all([...events, gone])).toEqual(['now', 'now', 'io server disconnect']);
    expect(nodes[0].server.sockets.sockets.get(member.id!)!.rooms).toEqual(new Set([member.id, 'joined']));
  });
});

describe('our emitter', () => {
  it('reaches the clients of a plain server', async () => {
    const { fleet, plain } = await startBoth();
    const emitter = new ClusterEmitter(new Publisher(await fleet.openCarrier(), { key: fleet.key }), fleet);
    const clients = [await plain.connect(), await plain.connect()];
    await clients[1]!.emitWithAck('join', 'lobby');
    const heard = clients.map((client) => untilFence(client));

    emitter.emit('said', 'to all', Buffer.from([0, 255]));
    emitter.to('lobby').emit('said', 'to the lobby');
    emitter.to(clients[0]!.id!).emit('said', 'to one');
    emitter.except('lobby').emit('said', 'to the others');
    // A widened room: the official adapter must understand that as well.
    emitter.in(clients[0]!.id!).socketsJoin('hall');
    emitter.to('hall').emit('said', 'to the hall');
    emitter.emit('fence');

    expect(await Promise.all(heard)).toEqual([
      [
        ['said', 'to all', Buffer.from([0, 255])],
        ['said', 'to one'],
        ['said', 'to the others'],
        ['said', 'to the hall'],
      ],
      [
        ['said', 'to all', Buffer.from([0, 255])],
        ['said', 'to the lobby'],
      ],
    ]);
  });
});

describe.each([
  ['from ours to a plain server', (ours: Side, plain: Side) => [ours, plain] as const],
  ['from a plain server to ours', (ours: Side, plain: Side) => [plain, ours] as const],
])('a message %s', (_, direction) => {
  it('reaches all, rooms, several rooms, a single client, and leaves out who is excepted', async () => {
    const { sender, clients } = await start();
    await clients[0]!.emitWithAck('join', 'lobby');
    await clients[0]!.emitWithAck('join', 7);
    await clients[1]!.emitWithAck('join', 'quiet');
    const heard = clients.map((client) => untilFence(client));

    sender.server.emit('said', 'to all');
    sender.server.to('lobby').emit('said', 'to the lobby');
    sender.server.to(7 as unknown as string).emit('said', 'to seven');
    sender.server.to(['lobby', 'quiet']).emit('said', 'to both');
    sender.server.to(clients[1]!.id!).emit('said', 'to one');
    sender.server.except('quiet').emit('said', 'to the loud');
    sender.server.emit('said', { bytes: Buffer.from([0, 255, 123]), none: Buffer.alloc(0) });
    sender.server.emit('fence');

    const bytes = { bytes: Buffer.from([0, 255, 123]), none: Buffer.alloc(0) };
    expect((await Promise.all(heard)).map((all) => all.map(([, words]) => words))).toEqual([
      ['to all', 'to the lobby', 'to seven', 'to both', 'to the loud', bytes],
      ['to all', 'to both', 'to one', bytes],
    ]);
  });

  it('finds sockets on both sides', async () => {
    const { sender, clients } = await start();
    const own = await sender.connect();
    await clients[0]!.emitWithAck('join', 'lobby');

    const everyone = await sender.server.fetchSockets();
    const members = await sender.server.in('lobby').fetchSockets();

    expect(everyone.map(({ id }) => id).toSorted()).toEqual([own.id!, ...clients.map(({ id }) => id!)].toSorted());
    expect(members.map(({ id, rooms }) => [id, rooms])).toEqual([[clients[0]!.id, new Set([clients[0]!.id, 'lobby'])]]);
  });

  it('makes clients join, leave and disconnect', async () => {
    const { sender, receiver, clients } = await start();
    const gone = new Promise((resolve) => clients[1]!.once('disconnect', resolve));
    const [member] = clients as [ClientSocket, ClientSocket];

    sender.server.in(member.id!).socketsJoin(['joined', 'left']);
    sender.server.in(member.id!).socketsLeave('left');
    sender.server.in(clients[1]!.id!).disconnectSockets();

    expect(await gone).toBe('io server disconnect');
    expect(receiver.server.sockets.sockets.get(member.id!)!.rooms).toEqual(new Set([member.id, 'joined']));
  });

  it('raises events in the servers, with their answers', async () => {
    const { sender, receiver } = await start();
    const told = new Promise((resolve) => receiver.server.once('reload', resolve));
    receiver.server.on('who', (question: string, answer: (name: string) => void) => answer(`${question}: me`));

    sender.server.serverSideEmit('reload', 'now');

    expect(await told).toBe('now');
    expect(await sender.server.serverSideEmitWithAck('who', 'who are you')).toEqual(['who are you: me']);
  });

  it('is acknowledged by the clients of both sides', async () => {
    const { sender, clients } = await start();
    for (const [index, client] of [await sender.connect(), ...clients].entries()) {
      client.on('question', (answer: (bytes: Buffer) => void) => answer(Buffer.from([index, 255])));
    }

    const answers = (await sender.server.timeout(10_000).emitWithAck('question')) as Buffer[];

    expect(new Set(answers.map((answer) => answer[0]))).toEqual(new Set([0, 1, 2]));
  });

  async function start() {
    const { node, plain } = await startBoth();
    const [sender, receiver] = direction(node, plain);
    return { sender, receiver, clients: [await receiver.connect(), await receiver.connect()] };
  }
});

async function startTwoNodes() {
  const fleet = startFleet('redis');
  return { fleet, nodes: await Promise.all([startNode(fleet), startNode(fleet)]) };
}

async function startBoth() {
  const fleet = startFleet('redis');
  return { fleet, node: await startNode(fleet), plain: await startPlainServer(fleet.key) };
}

/** Runs statements about `emitter` in a process that knows nothing of this project. */
async function emitFromForeignProcess(key: string, statements: string): Promise<void> {
  const script = `
    const { Redis } = require('ioredis');
    const { Emitter } = require('@socket.io/redis-emitter');
    const redis = new Redis(${JSON.stringify(inject('redisUrl'))});
    const emitter = new Emitter(redis, { key: ${JSON.stringify(key)} });
    redis.once('ready', () => {
      ${statements}
      redis.quit();
    });`;
  const foreign = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'ignore', 'pipe'] });
  const errors = text(foreign.stderr);
  const [code] = (await once(foreign, 'exit')) as [number | null];
  expect({ code, errors: await errors }).toEqual({ code: 0, errors: '' });
}
