import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { carriers } from '../support/carriers.js';
import { next } from '../support/clients.js';
import { type Node, startNodes, untilFence } from '../support/nodes.js';

const words = Array.from({ length: 20 }, (_, sequence) => ['said', sequence]);

describe.each(carriers)('over the %s carrier, a server that closes right after it has emitted', (carrier) => {
  it('has said all of it to its own clients', async () => {
    const { near, clients } = await start();
    const heard = clients.map((client) => {
      const events: unknown[][] = [];
      client.onAny((...event: unknown[]) => void events.push(event));
      return next(client, 'disconnect').then(([reason]) => ({ events, reason: reason as string }));
    });

    for (const [event, sequence] of words) near.server.emit(event as string, sequence);
    near.server.sockets.sockets.get(clients[0]!.id!)!.emit('said', 'directly');
    await near.app.close();

    const [first, second] = await Promise.all(heard);
    expect(first).toEqual({ events: [...words, ['said', 'directly']], reason: 'transport close' });
    expect(second).toEqual({ events: words, reason: 'transport close' });
  });

  it('has said all of it to the clients of other nodes', async () => {
    const { near, far } = await start();
    const client = await far.connect();
    const heard = untilFence(client);

    for (const [event, sequence] of words) near.server.emit(event as string, sequence);
    near.server.emit('fence');
    await near.app.close();

    expect(await heard).toEqual(words);
  });

  async function start() {
    const [near, far] = (await startNodes(carrier, 2)) as [Node, Node];
    const clients = [await near.connect(), await near.connect()];
    for (const client of clients) client.io.reconnection(false);
    await turn();
    return { near, far, clients };
  }
});
