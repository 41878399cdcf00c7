import { once } from 'node:events';
import { setTimeout as elapsed } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { firstOutOfOrder, pileUp, startBacklogServer } from '../support/backlog.js';
import { RawClient } from '../support/raw-client.js';

const messages = 200_000;
const said = { messages, perTurn: 100, size: 100 };

describe(`${messages} messages to a client`, () => {
  it('that reads only afterwards are all there, in order, and leave nothing behind', async () => {
    const { clients, waiting, left } = await pileUp(1, said);

    expect(firstOutOfOrder(clients[0]!)).toBe(messages);
    expect(waiting).toBeGreaterThan(10_000_000);
    expect(left).toBeLessThan(waiting / 10);
  });

  it('that reads slowly are all there, in order, and leave nothing behind', async () => {
    const server = await startBacklogServer();
    const client = await RawClient.connect(server.url);
    const before = await server.measure();

    const sent = server.say(said);
    // One read after the other, far slower than the server writes.
    for (let reads = 0; reads < 50; reads++) {
      client.resume();
      await once(client.socket, 'data');
      client.pause();
      await elapsed(5);
    }
    await sent;
    client.resume();
    await client.heard('fence');

    expect(firstOutOfOrder(client)).toBe(messages);
    expect((await server.measure()) - before).toBeLessThan(5_000_000);
  });
});
