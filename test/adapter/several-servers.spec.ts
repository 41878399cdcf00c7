import { WebSocketGateway, WebSocketServer } from '@nestjs/websockets';
import type { Server } from 'socket.io';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type CarrierName, carriers } from '../support/carriers.js';
import { openUntyped } from '../support/clients.js';
import { type Node, NodeGateway, startFleet, startNode, untilFence } from '../support/nodes.js';

@WebSocketGateway({ path: '/second' })
class SecondGateway {
  @WebSocketServer()
  readonly server!: Server;
}

describe.each(carriers)('over the %s carrier', (carrier) => {
  describe('two servers of one application', () => {
    it('both hear another node', async () => {
      const { near, far, second } = await startSecond(carrier);
      const clients = [await near.connect(), await connectToSecond(near)];
      const heard = clients.map((client) => untilFence(client));
      await near.server.sockets.sockets.get(clients[0]!.id!)!.join('lobby');
      await second.sockets.sockets.get(clients[1]!.id!)!.join('lobby');

      far.server.emit('said', 'to all');
      far.server.to('lobby').emit('said', 'to the lobby');
      far.server.emit('fence');

      const both = [
        ['said', 'to all'],
        ['said', 'to the lobby'],
      ];
      expect(await Promise.all(heard)).toEqual([both, both]);
    });

    it('hear each other', async () => {
      const { near, second } = await startSecond(carrier);
      const clients = [await near.connect(), await connectToSecond(near)];
      const heard = clients.map((client) => untilFence(client, 2));

      near.server.emit('said', 'from the first');
      near.server.emit('fence');
      second.emit('said', 'from the second');
      second.emit('fence');

      const both = ['from the first', 'from the second'];
      expect((await Promise.all(heard)).map((all) => all.map(([, words]) => String(words)).toSorted())).toEqual([
        both,
        both,
      ]);
    });

    it('share a room’s channel: one that leaves it does not take it from the other', async () => {
      const { near, far, second } = await startSecond(carrier);
      const clients = [await near.connect(), await connectToSecond(near)];
      const sockets = [near.server, second].map((server, index) => server.sockets.sockets.get(clients[index]!.id!)!);
      for (const socket of sockets) await socket.join('lobby');
      await sockets[0]!.leave('lobby');
      await clients[0]!.emitWithAck('leave', 'nothing');
      await near.carrier.subscribe(['settled']);
      const heard = untilFence(clients[1]!);

      far.server.to('lobby').emit('said', 'to the lobby');
      far.server.emit('fence');

      expect(await heard).toEqual([['said', 'to the lobby']]);
    });
  });

  describe('two applications in one process, with one carrier', () => {
    it('do not take each other’s channels away', async () => {
      const fleet = startFleet(carrier);
      const shared = await fleet.openCarrier();
      const [first, second] = [
        await startNode(fleet, { carrier: shared }),
        await startNode(fleet, { carrier: shared }),
      ];
      const far = await startNode(fleet);
      const clients = [await first.connect(), await second.connect()];
      for (const client of clients) await client.emitWithAck('join', 'lobby');
      const heard = untilFence(clients[1]!);

      await first.app.close();
      await shared.subscribe(['settled']);
      far.server.to('lobby').emit('said', 'to the lobby');
      far.server.emit('said', 'to all');
      // Sent to the client alone, since its own channel is not one that both had.
      far.server.to(clients[1]!.id!).emit('fence');

      expect(await heard).toEqual([
        ['said', 'to the lobby'],
        ['said', 'to all'],
      ]);
    });

    it('hear each message once', async () => {
      const fleet = startFleet(carrier);
      const shared = await fleet.openCarrier();
      const first = await startNode(fleet, { carrier: shared });
      await startNode(fleet, { carrier: shared });
      const far = await startNode(fleet);
      const client = await first.connect();
      const heard = untilFence(client);

      far.server.emit('said', 'to all');
      far.server.emit('fence');

      expect(await heard).toEqual([['said', 'to all']]);
    });
  });

  describe('namespaces', () => {
    it('that a pattern describes reach each other', async () => {
      const fleet = startFleet(carrier);
      const nodes = [await startNode(fleet), await startNode(fleet)];
      for (const { server } of nodes) server.of(/^\/tenant-\d+$/);
      const clients = await Promise.all([nodes[0]!.connect('/tenant-1'), nodes[0]!.connect('/tenant-2')]);
      await nodes[1]!.connect('/tenant-1');
      const heard = clients.map((client) => untilFence(client));

      nodes[1]!.server.of('/tenant-1').emit('said', 'to the first');
      nodes[1]!.server.of('/tenant-1').to(clients[0].id!).emit('said', 'to its client');
      nodes[1]!.server.of('/tenant-1').emit('fence');
      nodes[1]!.server.of('/tenant-2').emit('fence');

      expect(await Promise.all(heard)).toEqual([
        [
          ['said', 'to the first'],
          ['said', 'to its client'],
        ],
        [],
      ]);
    });

    it.each(['rooms', 'pattern'] as const)(
      'that come with their first client are live for it, with routing by %s',
      async (routing) => {
        const fleet = startFleet(carrier);
        const [near, far] = [await startNode(fleet, { routing }), await startNode(fleet, { routing })];
        near.server.of(/^\/tenant-\d+$/);

        for (let tenant = 0; tenant < 30; tenant++) {
          const namespace = far.server.of(`/tenant-${tenant}`);
          const client = await near.connect(`/tenant-${tenant}`);
          const first = new Promise((resolve) => client.onAny(resolve));

          namespace.emit('said', 'at once');
          // Once Redis has it, the answer to the next subscription comes after it.
          await far.carrier.subscribers('anything');
          await near.carrier.subscribe(['live']);
          near.server.of(`/tenant-${tenant}`).local.emit('fence');

          expect(await first).toBe('said');
        }
      },
    );

    it('in any number give no warning of a leak', async () => {
      const warnings: unknown[] = [];
      const note = (warning: Error): void => void warnings.push(warning.name);
      process.on('warning', note);
      onTestFinished(() => void process.off('warning', note));
      const node = await startNode(startFleet(carrier));

      const names = Array.from({ length: 30 }, (_, index) => `/namespace-${index}`);
      for (const name of names) node.server.of(name);
      await node.adapter.subscribed();
      const clients = await Promise.all(names.map((name) => node.connect(name)));

      expect(clients.every(({ connected }) => connected)).toBe(true);
      expect(warnings).toEqual([]);
    });
  });
});

async function connectToSecond({ url }: Node) {
  const client = openUntyped(url, { path: '/second' });
  await new Promise<void>((resolve) => client.once('connect', () => resolve()));
  return client;
}

async function startSecond(carrier: CarrierName) {
  const fleet = startFleet(carrier);
  const near = await startNode(fleet, { gateways: [NodeGateway, SecondGateway] });
  return { near, far: await startNode(fleet), second: near.app.get(SecondGateway).server };
}
