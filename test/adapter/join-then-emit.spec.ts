import { setImmediate as turn } from 'node:timers/promises';
import type { Socket as ClientSocket } from 'socket.io-client';
import { describe, expect, it } from 'vitest';
import { ClusterEmitter } from '../../src/emitter/cluster-emitter.js';
import { Publisher } from '../../src/publisher.js';
import { allCarriers, type CarrierName, carriers } from '../support/carriers.js';
import { HeldCarrier } from '../support/held-carrier.js';
import { startFleet, startNode } from '../support/nodes.js';

const rounds = 200;

describe.each(allCarriers)('over the %s carrier, a message right after the join', (carrier) => {
  it(`arrives ${rounds} times of ${rounds} when an emitter does both in one breath`, async () => {
    const { client, emitter } = await startPair();

    const heard = await repeat(client, emitter(), (room) => {
      emitter().in(client.id!).socketsJoin(room);
      emitter().to(room).emit('said', room);
    });

    expect(heard).toBe(rounds);
  });

  it(`arrives ${rounds} times of ${rounds} when one emitter does all of it at once`, async () => {
    const { client, emitter } = await startPair();
    const publisher = emitter();
    const heard = countUntilFence(client);

    for (let round = 0; round < rounds; round++) {
      publisher.in(client.id!).socketsJoin(`room ${round}`);
      publisher.to(`room ${round}`).emit('said', round);
    }
    publisher.emit('fence');

    expect(await heard).toBe(rounds);
  });

  it('is lost when an emitter does both in one breath and nothing widens the room', async () => {
    const { client, emitter } = await startPair();
    const narrow = emitter(0);

    const heard = await repeat(client, narrow, (room) => {
      narrow.in(client.id!).socketsJoin(room);
      narrow.to(room).emit('said', room);
    });

    expect(heard).toBeLessThan(rounds / 2);
  });

  it(`arrives ${rounds} times of ${rounds} when another node does both in one breath`, async () => {
    const { client, far } = await startPair();

    const heard = await repeat(client, far.server, (room) => {
      far.server.in(client.id!).socketsJoin(room);
      far.server.to(room).emit('said', room);
    });

    expect(heard).toBe(rounds);
  });

  it(`arrives ${rounds} times of ${rounds} when a third node, which has heard of the join, sends it`, async () => {
    const { client, far, third } = await startPair();

    const heard = await repeat(client, third.server, async (room) => {
      const told = new Promise((resolve) => third.server.once('go', resolve));
      far.server.in(client.id!).socketsJoin(room);
      far.server.serverSideEmit('go');
      await told;
      third.server.to(room).emit('said', room);
    });

    expect(heard).toBe(rounds);
  });

  it.each(['join', 'join without waiting'])(
    `arrives ${rounds} times of ${rounds} from another node once %j is acknowledged`,
    async (join) => {
      const { client, far } = await startPair();

      const heard = await repeat(client, far.server, async (room) => {
        await client.emitWithAck(join, room);
        far.server.to(room).emit('said', room);
      });

      expect(heard).toBe(rounds);
    },
  );

  it(`arrives ${rounds} times of ${rounds} from another node once client.join() has resolved`, async () => {
    const { client, near, far } = await startPair();
    const socket = near.server.sockets.sockets.get(client.id!)!;

    const heard = await repeat(client, far.server, async (room) => {
      await socket.join(room);
      far.server.to(room).emit('said', room);
    });

    expect(heard).toBe(rounds);
  });

  it('arrives 50 times of 50 at a client that has just connected, sent to its id', async () => {
    const { near, far } = await startPair();
    for (let round = 0; round < 50; round++) {
      const client = await near.connect();
      const heard = countUntilFence(client);
      far.server.to(client.id!).emit('said', round);
      far.server.emit('fence');

      expect(await heard).toBe(1);
      client.disconnect();
    }
  });

  it.each(['join', 'join without waiting'])('can be sent only late: %j waits for the subscription', async (join) => {
    const { client, near, carrier: held } = await startHeld();
    const events: string[] = [];
    held.hold();

    const acknowledged = client.emitWithAck(join, 'lobby').then(() => events.push('acknowledged'));
    await joined(near.server, client.id!, 'lobby');
    await roundTrip(client, near.server);
    events.push('fence');
    held.release();
    await acknowledged;

    expect(events).toEqual(['fence', 'acknowledged']);
  });

  it('can be sent only late: a client is not connected before its namespace hears the others', async () => {
    expect(await orderOfAdmission(await startHeld())).toEqual(['released', 'admitted']);
  });

  it('keeps no one waiting for ever: who joins or connects is served after a bounded wait', async () => {
    const { client, near, carrier: held } = await startHeld(50);
    held.hold();

    expect(await client.emitWithAck('join', 'lobby')).toBe(true);
    expect(await client.emitWithAck('join without waiting', 'hall')).toBe(true);
    near.server.of(/^\/tenant-\d$/);
    const other = await near.connect('/tenant-1');

    expect(other.connected).toBe(true);
    held.release();
  });

  async function startPair() {
    const fleet = startFleet(carrier);
    const [near, far, third] = await Promise.all([startNode(fleet), startNode(fleet), startNode(fleet)]);
    const own = await fleet.openCarrier();
    const wide = new ClusterEmitter(new Publisher(own, { key: fleet.key }), { key: fleet.key });
    const emitter = (joinWindowMs?: number): ClusterEmitter =>
      joinWindowMs === undefined
        ? wide
        : new ClusterEmitter(new Publisher(own, { key: fleet.key, joinWindowMs }), { key: fleet.key });
    return { near, far, third, emitter, client: await near.connect() };
  }

  function startHeld(subscribeTimeoutMs?: number) {
    return startHeldOver(carrier, subscribeTimeoutMs);
  }
});

// A shard knows no prefixes, so there each client has a subscription of its own.
describe.each(carriers)('over the %s carrier, a client that connects', (carrier) => {
  it('waits for no subscription, and can be sent to at once', async () => {
    const { near, carrier: held } = await startHeldOver(carrier);
    held.hold();

    const client = await near.connect();

    expect(client.connected).toBe(true);
    held.release();
  });

  it('waits for its namespace to hear the others, with routing by pattern', async () => {
    expect(await orderOfAdmission(await startHeldOver(carrier, 60_000, 'pattern'))).toEqual(['released', 'admitted']);
  });
});

/** What comes first: that a new namespace hears the others, or that its first client is admitted. */
async function orderOfAdmission({ near, carrier: held }: Awaited<ReturnType<typeof startHeldOver>>): Promise<string[]> {
  const events: string[] = [];
  near.server.of(/^\/tenant-\d$/).use((_, next) => {
    events.push('admitted');
    next();
  });
  held.hold();

  const connecting = near.connect('/tenant-1');
  await once(near.server.engine, 'connection');
  for (let turns = 0; turns < 20; turns++) await turn();
  events.push('released');
  held.release();
  await connecting;

  return events;
}

async function startHeldOver(
  carrier: CarrierName,
  subscribeTimeoutMs = 60_000,
  routing: 'rooms' | 'pattern' = 'rooms',
) {
  const fleet = startFleet(carrier);
  const held = new HeldCarrier(await fleet.openCarrier());
  const near = await startNode(fleet, { carrier: held, subscribeTimeoutMs, routing });
  return { near, carrier: held, client: await near.connect() };
}

/** Does it once for each of many rooms, with a fence after each, and counts what the client has heard. */
async function repeat(
  client: ClientSocket,
  fence: { emit(event: string, round: number): unknown },
  act: (room: string) => void | Promise<void>,
): Promise<number> {
  let heard = 0;
  client.on('said', () => heard++);
  for (let round = 0; round < rounds; round++) {
    const fenced = new Promise((resolve) => client.once('fence', resolve));
    await act(`room ${round}`);
    fence.emit('fence', round);
    await fenced;
  }
  return heard;
}

function countUntilFence(client: ClientSocket): Promise<number> {
  let heard = 0;
  client.on('said', () => heard++);
  return new Promise((resolve) => client.once('fence', () => resolve(heard)));
}

function once(emitter: { once(event: string, listener: () => void): unknown }, event: string): Promise<void> {
  return new Promise((resolve) => emitter.once(event, resolve));
}

type LocalServer = Awaited<ReturnType<typeof startNode>>['server'];

function joined({ sockets }: LocalServer, id: string, room: string): Promise<void> {
  return new Promise((resolve) =>
    sockets.adapter.on('join-room', (name: string, member: string) => {
      if (name === room && member === id) resolve();
    }),
  );
}

/** Whatever was on its way to the client before has arrived after it. */
async function roundTrip(client: ClientSocket, server: LocalServer): Promise<void> {
  const fenced = new Promise((resolve) => client.once('fence', resolve));
  server.local.emit('fence');
  await fenced;
}
