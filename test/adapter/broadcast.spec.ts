import { describe, expect, it } from 'vitest';
import { allCarriers } from '../support/carriers.js';
import { type Node, startNodes, untilFence } from '../support/nodes.js';

describe.each(allCarriers)('a message that a node sends over the %s carrier', (carrier) => {
  it('reaches every client of every node', async () => {
    const { nodes, heard } = await startWithClients();

    nodes[0]!.server.emit('said', 'hello', { nested: [1, null] });

    expect(await heard()).toEqual(thrice([['said', 'hello', { nested: [1, null] }]]));
  });

  it('reaches the members of a room on every node, and no one else', async () => {
    const { nodes, clients, heard } = await startWithClients();
    for (const client of clients.slice(0, 2)) await client.emitWithAck('join', 'lobby');

    for (const node of nodes) node.server.to('lobby').emit('said', 'for members');

    expect(await heard()).toEqual([thrice(['said', 'for members']), thrice(['said', 'for members']), []]);
  });

  it('reaches a room whose name is a number', async () => {
    const { nodes, clients, heard } = await startWithClients();
    for (const client of clients) await client.emitWithAck('join', 7);

    nodes[0]!.server.to(7 as unknown as string).emit('said', 'seven');

    expect(await heard()).toEqual(thrice([['said', 'seven']]));
  });

  it.each(['', 'räum 7', '*', 'a#b', '#', '[a-c]?\\'])('reaches the room %j', async (room) => {
    const { nodes, clients, heard } = await startWithClients();
    for (const client of clients.slice(1)) await client.emitWithAck('join', room);

    nodes[0]!.server.to(room).emit('said', 'hello');

    expect(await heard()).toEqual([[], [['said', 'hello']], [['said', 'hello']]]);
  });

  it.each([[undefined], [[undefined]], [null]])('reaches nobody where its room is %j by mistake', async (room) => {
    const { nodes, heard } = await startWithClients();
    const target = nodes[0]!.server.in(room as never);

    target.emit('said', 'hello');
    target.socketsJoin('lobby');
    target.disconnectSockets();
    nodes[0]!.server.to('lobby').emit('said', 'to the lobby');

    expect(await target.fetchSockets()).toEqual([]);
    expect(await target.timeout(1_000).emitWithAck('said')).toEqual([]);
    expect(await heard()).toEqual(thrice([]));
  });

  it('reaches once who is in several of its rooms', async () => {
    const { nodes, clients, heard } = await startWithClients();
    for (const room of ['a', 'b']) await clients[1]!.emitWithAck('join', room);
    await clients[2]!.emitWithAck('join', 'b');

    nodes[0]!.server.to(['a', 'b']).emit('said', 'hello');

    expect(await heard()).toEqual([[], [['said', 'hello']], [['said', 'hello']]]);
  });

  it('reaches a single client by its id', async () => {
    const { nodes, clients, heard } = await startWithClients();

    nodes[0]!.server.to(clients[2]!.id!).emit('said', 'for you');

    expect(await heard()).toEqual([[], [], [['said', 'for you']]]);
  });

  it('leaves out the rooms that it excepts, and single clients', async () => {
    const { nodes, clients, heard } = await startWithClients();
    await clients[1]!.emitWithAck('join', 'quiet');

    nodes[0]!.server.except('quiet').emit('said', 'not for all');
    nodes[0]!.server.except(clients[2]!.id!).emit('said', 'not for one');

    expect(await heard()).toEqual([
      [
        ['said', 'not for all'],
        ['said', 'not for one'],
      ],
      [['said', 'not for one']],
      [['said', 'not for all']],
    ]);
  });

  it('carries binary as it was sent, nested and empty', async () => {
    const { nodes, heard } = await startWithClients();
    const bytes = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));

    nodes[0]!.server.emit('said', { bytes, list: [Buffer.alloc(0)] });

    expect(await heard()).toEqual(thrice([['said', { bytes, list: [Buffer.alloc(0)] }]]));
  });

  it('arrives as well when it is volatile and all can take it', async () => {
    const { nodes, heard } = await startWithClients();

    nodes[0]!.server.volatile.emit('said', 'now or never');

    expect(await heard()).toEqual(thrice([['said', 'now or never']]));
  });

  it('stays on the node when it is local', async () => {
    const { nodes, heard } = await startWithClients();

    nodes[1]!.server.local.emit('said', 'here');

    expect(await heard()).toEqual([[], [['said', 'here']], []]);
  });

  it('leaves out the client that broadcasts it', async () => {
    const { nodes, clients, heard } = await startWithClients();

    nodes[1]!.server.sockets.sockets.get(clients[1]!.id!)!.broadcast.emit('said', 'by me');

    expect(await heard()).toEqual([[['said', 'by me']], [], [['said', 'by me']]]);
  });

  it('stays in its namespace', async () => {
    const nodes = await startNodes(carrier, 2);
    for (const { server } of nodes) server.of('/other');
    await Promise.all(nodes.map(({ adapter }) => adapter.subscribed()));
    const clients = await Promise.all([nodes[1]!.connect(), nodes[1]!.connect('/other')]);
    const heard = clients.map((client) => untilFence(client));

    nodes[0]!.server.emit('said', 'default');
    nodes[0]!.server.of('/other').emit('said', 'other');
    for (const namespace of ['/', '/other']) nodes[0]!.server.of(namespace).emit('fence');

    expect(await Promise.all(heard)).toEqual([[['said', 'default']], [['said', 'other']]]);
  });

  it('keeps its place among the messages of the same node', async () => {
    const { nodes, clients, heard } = await startWithClients();
    for (const client of clients) await client.emitWithAck('join', 'lobby');

    for (let sequence = 0; sequence < 300; sequence++) {
      const target = [nodes[0]!.server, nodes[0]!.server.to('lobby'), nodes[0]!.server.to(clients[2]!.id!)][
        sequence % 3
      ]!;
      target.emit('said', sequence);
    }

    const all = Array.from({ length: 300 }, (_, sequence) => ['said', sequence]);
    expect((await heard())[2]).toEqual(all);
  });

  /** Three nodes, each with one client. `heard` ends what they listen to with a fence from every node. */
  async function startWithClients() {
    const nodes = await startNodes(carrier, 3);
    const clients = await Promise.all(nodes.map((node: Node) => node.connect()));
    const untilFences = clients.map((client) => untilFence(client, nodes.length));
    const heard = (): Promise<unknown[][][]> => {
      for (const { server } of nodes) server.emit('fence');
      return Promise.all(untilFences);
    };
    return { nodes, clients, heard };
  }
});

function thrice<T>(value: T): T[] {
  return [value, value, value];
}
