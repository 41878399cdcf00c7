import { randomInt } from 'node:crypto';
import { setImmediate as turn } from 'node:timers/promises';
import type { Socket as ClientSocket } from 'socket.io-client';
import { describe, expect, it } from 'vitest';
import { allCarriers } from '../support/carriers.js';
import { type Node, type RoomChange, startFleet, startNode } from '../support/nodes.js';
import { Random } from '../support/random.js';

const rooms = ['red', 'green', 'blue', '7', ''];
const rounds = 60;
const seed = randomInt(2 ** 31);

/** A client beside what a model without any network says of it. */
interface Member {
  readonly node: number;
  readonly client: ClientSocket;
  readonly rooms: Set<string>;
  expected: string[];
  heard: string[];
}

describe.each(allCarriers)(`rooms of two nodes over the %s carrier (seed ${seed})`, (carrier) => {
  it('are heard by exactly those who are in them, however they come and go', async () => {
    const random = new Random(seed);
    const fleet = startFleet(carrier);
    const nodes = [await startNode(fleet), await startNode(fleet)];
    const members = await Promise.all([0, 0, 1, 1].map((node) => startMember(nodes, node)));

    for (let round = 0; round < rounds; round++) {
      await Promise.all(members.map((member) => changeRooms(member, random)));
      await emitSome(nodes, members, random, round);
      for (const { heard, expected } of members) expect(heard, `round ${round}`).toEqual(expected);
    }

    await turn();
    await Promise.all(nodes.map((node) => node.carrier.subscribe(['settled'])));
    const held = rooms.map(
      (room) => new Set(members.filter((member) => member.rooms.has(room)).map(({ node }) => node)),
    );
    const counts = rooms.map((room) => nodes[0]!.carrier.subscribers(`${fleet.key}#/#${room}#`));
    expect(await Promise.all(counts)).toEqual(held.map(({ size }) => size));
  });
});

async function startMember(nodes: readonly Node[], node: number): Promise<Member> {
  const member: Member = { node, client: await nodes[node]!.connect(), rooms: new Set(), expected: [], heard: [] };
  member.client.on('said', (words: string) => member.heard.push(words));
  return member;
}

/** Some changes in one turn, often of the same room. */
async function changeRooms({ client, rooms: joined }: Member, random: Random): Promise<void> {
  const few = [random.pick(rooms), random.pick(rooms)];
  const changes = Array.from({ length: random.below(6) }, (): RoomChange => [
    random.pick(['join', 'leave'] as const),
    random.pick(few),
  ]);
  for (const [change, room] of changes) {
    if (change === 'join') joined.add(room);
    else joined.delete(room);
  }
  await client.emitWithAck('change rooms', changes);
}

/** Messages to random rooms from one random node, up to a fence; what they leave behind is in `heard` and `expected`. */
async function emitSome(nodes: readonly Node[], members: readonly Member[], random: Random, round: number) {
  const { server } = random.pick(nodes);
  for (const member of members) {
    member.heard = [];
    member.expected = [];
  }
  const fenced = members.map(({ client }) => new Promise((resolve) => client.once('fence', resolve)));
  for (let index = 0; index < 10; index++) {
    const targets = [random.pick(rooms), random.pick(rooms)].slice(random.below(2));
    const words = `${round}/${index} to ${JSON.stringify(targets)}`;
    server.to(targets).emit('said', words);
    for (const member of members) if (targets.some((room) => member.rooms.has(room))) member.expected.push(words);
  }
  server.emit('fence');
  await Promise.all(fenced);
}
