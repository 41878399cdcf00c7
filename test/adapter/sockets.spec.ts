import { describe, expect, it } from 'vitest';
import { carriers } from '../support/carriers.js';
import { startNodes, untilFence } from '../support/nodes.js';

describe.each(carriers)('over the %s carrier, a node', (carrier) => {
  it('makes the clients of every node join rooms, and leave them', async () => {
    const [near, far] = await startTwo();
    const clients = await Promise.all([near.connect(), far.connect()]);
    const heard = clients.map((client) => untilFence(client));

    near.server.socketsJoin(['a', 'b']);
    near.server.to('a').emit('said', 'to a');
    near.server.in('a').socketsLeave('b');
    near.server.to('b').emit('said', 'to b');
    near.server.emit('fence');

    expect(await Promise.all(heard)).toEqual([[['said', 'to a']], [['said', 'to a']]]);
  });

  it('makes just those join who are in a room and not in another', async () => {
    const [near, far] = await startTwo();
    const [member, excepted, outsider] = await Promise.all([far.connect(), far.connect(), far.connect()]);
    for (const client of [member, excepted]) await client.emitWithAck('join', 'a');
    await excepted.emitWithAck('join', 'quiet');
    const heard = [member, excepted, outsider].map((client) => untilFence(client));

    near.server.in('a').except('quiet').socketsJoin('b');
    near.server.to('b').emit('said', 'to b');
    near.server.emit('fence');

    expect(await Promise.all(heard)).toEqual([[['said', 'to b']], [], []]);
  });

  it('disconnects the clients of a room on every node, its own ones too', async () => {
    const [near, far] = await startTwo();
    const members = await Promise.all([near.connect(), far.connect()]);
    const outsider = await far.connect();
    for (const member of members) await member.emitWithAck('join', 'doomed');
    const heard = untilFence(outsider);
    const reasons = members.map((member) => new Promise((resolve) => member.once('disconnect', resolve)));

    near.server.in('doomed').disconnectSockets();

    expect(await Promise.all(reasons)).toEqual(['io server disconnect', 'io server disconnect']);
    near.server.emit('fence');
    expect(await heard).toEqual([]);
    expect(outsider.connected).toBe(true);
  });

  it('cuts the whole connection when it is told to', async () => {
    const [near, far] = await startTwo();
    const client = await far.connect();
    const reason = new Promise((resolve) => client.once('disconnect', resolve));

    near.server.in(client.id!).disconnectSockets(true);

    expect(await reason).toBe('io server disconnect');
  });

  it('finds the sockets of all nodes, with their rooms, data and handshake', async () => {
    const nodes = await startNodes(carrier, 3);
    const clients = await Promise.all(nodes.map((node) => node.connect()));
    for (const [index, client] of clients.entries()) {
      await client.emitWithAck('join', 'lobby');
      nodes[index]!.server.sockets.sockets.get(client.id!)!.data = { name: `client ${index}` };
    }

    const found = await nodes[1]!.server.fetchSockets();

    expect(found.map(({ id }) => id).toSorted()).toEqual(clients.map(({ id }) => id!).toSorted());
    for (const [index, client] of clients.entries()) {
      const socket = found.find(({ id }) => id === client.id)!;
      expect([...socket.rooms].toSorted()).toEqual([client.id!, 'lobby'].toSorted());
      expect(socket.data).toEqual({ name: `client ${index}` });
      expect(socket.handshake).toMatchObject({
        address: expect.any(String),
        url: expect.stringContaining('socket.io'),
      });
    }
  });

  it('finds the sockets of a room only', async () => {
    const nodes = await startNodes(carrier, 3);
    const clients = await Promise.all(nodes.map((node) => node.connect()));
    for (const client of clients.slice(1)) await client.emitWithAck('join', 'lobby');
    await clients[2]!.emitWithAck('join', 'quiet');

    const found = await Promise.all([
      nodes[0]!.server.in('lobby').fetchSockets(),
      nodes[0]!.server.in('lobby').except('quiet').fetchSockets(),
      nodes[0]!.server.in('nobody').fetchSockets(),
      nodes[2]!.server.local.fetchSockets(),
    ]);

    expect(found.map((sockets) => sockets.map(({ id }) => id).toSorted())).toEqual([
      [clients[1]!.id!, clients[2]!.id!].toSorted(),
      [clients[1]!.id],
      [],
      [clients[2]!.id],
    ]);
  });

  it('commands a socket that it has found elsewhere', async () => {
    const [near, far] = await startTwo();
    const client = await far.connect();
    const heard = untilFence(client);
    const [socket] = await near.server.in(client.id!).fetchSockets();

    socket!.emit('said', 'for you');
    socket!.join('lobby');
    near.server.to('lobby').emit('said', 'to the lobby');
    socket!.leave('lobby');
    near.server.to('lobby').emit('said', 'too late');
    near.server.emit('fence');

    expect(await heard).toEqual([
      ['said', 'for you'],
      ['said', 'to the lobby'],
    ]);
  });

  it('knows the rooms of all nodes', async () => {
    const [near, far] = await startTwo();
    const clients = await Promise.all([near.connect(), far.connect()]);
    for (const [index, client] of clients.entries()) await client.emitWithAck('join', `room ${index}`);

    const rooms = await (near.server.of('/').adapter as unknown as { allRooms(): Promise<Set<string>> }).allRooms();

    expect(rooms).toEqual(new Set(['room 0', 'room 1', clients[0].id, clients[1].id]));
  });

  it('no longer waits for a node that has closed', async () => {
    const nodes = await startNodes(carrier, 3);
    const clients = await Promise.all(nodes.map((node) => node.connect()));
    await nodes[2]!.app.close();

    const found = await nodes[0]!.server.fetchSockets();

    expect(found.map(({ id }) => id).toSorted()).toEqual([clients[0]!.id!, clients[1]!.id!].toSorted());
  });

  async function startTwo() {
    const [near, far] = await startNodes(carrier, 2);
    return [near!, far!] as const;
  }
});
