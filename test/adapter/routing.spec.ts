import { Emitter } from '@socket.io/redis-emitter';
import { describe, expect, it } from 'vitest';
import { carriers } from '../support/carriers.js';
import { openRedisClient, startFleet, startNode, startNodes, untilFence } from '../support/nodes.js';

const rounds = 200;

describe('a foreign emitter that joins and emits in one breath', () => {
  it(`is heard ${rounds} times of ${rounds} with routing by pattern`, async () => {
    expect(await countHeard('pattern')).toBe(rounds);
  });

  it('is not heard with routing by rooms, which is what the other is for', async () => {
    expect(await countHeard('rooms')).toBeLessThan(rounds / 2);
  });

  async function countHeard(routing: 'pattern' | 'rooms'): Promise<number> {
    const fleet = startFleet('redis');
    const node = await startNode(fleet, { routing });
    const emitter = new Emitter(openRedisClient(), { key: fleet.key });
    const client = await node.connect();
    const heard = untilFence(client);
    for (let round = 0; round < rounds; round++) {
      emitter.in(client.id!).socketsJoin(`room ${round}`);
      emitter.to(`room ${round}`).emit('said', round);
    }
    emitter.emit('fence');
    return (await heard).length;
  }
});

describe.each(carriers)('a node on the %s carrier with routing by pattern', (carrier) => {
  it('exchanges with one that routes by rooms', async () => {
    const fleet = startFleet(carrier);
    const nodes = [await startNode(fleet, { routing: 'pattern' }), await startNode(fleet, { routing: 'rooms' })];
    const clients = await Promise.all(nodes.map((node) => node.connect()));
    for (const client of clients) await client.emitWithAck('join', 'lobby');
    const heard = clients.map((client) => untilFence(client, 2));

    for (const { server } of nodes) {
      server.emit('said', 'to all');
      server.to('lobby').emit('said', 'to the lobby');
      for (const { id } of clients) server.to(id!).emit('said', 'to one');
      server.emit('fence');
    }

    const thrice = ['to all', 'to all', 'to one', 'to one', 'to the lobby', 'to the lobby'];
    expect((await Promise.all(heard)).map((all) => all.map(([, words]) => String(words)).toSorted())).toEqual([
      thrice,
      thrice,
    ]);
  });

  it('does not deliver to another namespace whose name begins the same', async () => {
    const nodes = await startNodes(carrier, 2, { routing: 'pattern' });
    for (const { server } of nodes) for (const name of ['/a', '/ab', '/a*']) server.of(name);
    await Promise.all(nodes.map(({ adapter }) => adapter.subscribed()));
    const clients = await Promise.all(['/a', '/ab', '/a*'].map((name) => nodes[0]!.connect(name)));
    const heard = clients.map((client) => untilFence(client));

    nodes[1]!.server.of('/a*').emit('said', 'to /a*');
    nodes[1]!.server.of('/ab').emit('said', 'to /ab');
    for (const name of ['/a', '/ab', '/a*']) nodes[1]!.server.of(name).emit('fence');

    expect(await Promise.all(heard)).toEqual([[], [['said', 'to /ab']], [['said', 'to /a*']]]);
  });

  it('leaves no subscription behind when it closes', async () => {
    const fleet = startFleet(carrier);
    const node = await startNode(fleet, { routing: 'pattern' });
    const other = await startNode(fleet);
    await node.app.close();
    await node.carrier.subscribe(['fence']);

    other.server.emit('said', 'to nobody');
    other.carrier.publish('fence', Buffer.alloc(0));

    await node.inbox.fence('fence');
    expect(node.inbox.channels).toEqual(['fence']);
  });
});
