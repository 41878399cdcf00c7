import type { Socket as ClientSocket } from 'socket.io-client';
import { describe, expect, it } from 'vitest';
import { carriers } from '../support/carriers.js';
import { type Node, startNodes, untilFence } from '../support/nodes.js';

const many = 50;

describe.each(carriers)('in one turn with many broadcasts, over the %s carrier,', (carrier) => {
  it('the sockets of all nodes are found', async () => {
    const { near, clients, heard } = await startTwo();

    const found = between(near, () => near.server.fetchSockets());

    expect((await found).map(({ id }) => id).toSorted()).toEqual(clients.map(({ id }) => id!).toSorted());
    expect(await heard()).toEqual(clients.map(() => broadcasts()));
  });

  it('the other server answers an event', async () => {
    const { near, far, clients, heard } = await startTwo();
    far.server.on('who', (question: number, answer: (answer: number) => void) => answer(question + 1));

    const answers = between(near, () =>
      Promise.all(numbers(many).map((question) => near.server.serverSideEmitWithAck('who', question))),
    );

    expect(await answers).toEqual(numbers(many).map((question) => [question + 1]));
    expect(await heard()).toEqual(clients.map(() => broadcasts()));
  });

  it('clients join a room, hear what is sent there, and leave it again', async () => {
    const { near, clients, heard } = await startTwo();
    const [first] = clients as [ClientSocket];

    between(near, () => {
      for (const round of numbers(many)) {
        near.server.in(first.id!).socketsJoin(`room ${round}`);
        near.server.to(`room ${round}`).emit('said', `in room ${round}`);
        near.server.in(`room ${round}`).socketsLeave(`room ${round}`);
        near.server.to(`room ${round}`).emit('said', 'to nobody');
      }
    });

    const inRooms = numbers(many).map((round) => ['said', `in room ${round}`]);
    const others = clients.slice(1).map(() => broadcasts());
    expect(await heard()).toEqual([[...broadcasts(0), ...inRooms, ...broadcasts(1)], ...others]);
  });

  it('every client acknowledges what it is asked, in its place among the rest', async () => {
    const { near, clients, heard } = await startTwo();
    for (const client of clients) {
      client.on('asked', (question: number, answer: (answer: string) => void) => answer(`${question} ${client.id}`));
    }

    const answers = await between(near, () =>
      Promise.all(numbers(many).map((question) => near.server.timeout(10_000).emitWithAck('asked', question))),
    );

    const ids = clients.map(({ id }) => id!);
    expect(answers.map((each: string[]) => each.toSorted())).toEqual(
      numbers(many).map((question) => ids.map((id) => `${question} ${id}`).toSorted()),
    );
    const questions = numbers(many).map((question) => ['asked', question]);
    expect(await heard()).toEqual(clients.map(() => [...broadcasts(0), ...questions, ...broadcasts(1)]));
  });

  it('one question that a client leaves open fails with the other answers, and no other question does', async () => {
    const { near, clients, heard } = await startTwo();
    for (const [index, client] of clients.entries()) {
      client.on('asked', (question: number, answer: (answer: number) => void) => {
        if (index > 0 || question !== 3) answer(index);
      });
    }

    const outcomes = await between(near, () =>
      Promise.allSettled(numbers(10).map((question) => near.server.timeout(500).emitWithAck('asked', question))),
    );

    expect(outcomes.map(({ status }) => status)).toEqual(
      numbers(10).map((question) => (question === 3 ? 'rejected' : 'fulfilled')),
    );
    const { reason } = outcomes[3] as PromiseRejectedResult;
    expect(reason).toMatchObject({ message: 'operation has timed out' });
    expect((reason as { responses: number[] }).responses.toSorted()).toEqual(numbers(clients.length).slice(1));
    expect((await heard()).map((all) => all.length)).toEqual(clients.map(() => 2 * many + 10));
  });

  it('a client that is asked directly acknowledges, or its question fails in time', async () => {
    const { near, clients, heard } = await startTwo();
    const [silent, client] = clients as [ClientSocket, ClientSocket];
    client.on('asked', (question: number, answer: (answer: number) => void) => answer(question));
    const ask = ({ id }: ClientSocket, question: number) =>
      near.server.sockets.sockets.get(id!)!.timeout(500).emitWithAck('asked', question);

    const outcomes = await between(near, () =>
      Promise.allSettled([ask(silent, 0), ...numbers(many).map((question) => ask(client, question))]),
    );

    expect(outcomes).toEqual([
      { status: 'rejected', reason: expect.objectContaining({ message: 'operation has timed out' }) },
      ...numbers(many).map((value) => ({ status: 'fulfilled', value })),
    ]);
    const questions = numbers(many).map((question) => ['asked', question]);
    expect((await heard())[1]).toEqual([...broadcasts(0), ...questions, ...broadcasts(1)]);
  });

  /** Two clients on the near node and two on the far one. `heard` ends what they listen to with a fence. */
  async function startTwo() {
    const [near, far] = (await startNodes(carrier, 2)) as [Node, Node];
    const clients = await Promise.all([near, near, far, far].map((node) => node.connect()));
    const untilFences = clients.map((client) => untilFence(client));
    const heard = (): Promise<unknown[][][]> => {
      near.server.emit('fence');
      return Promise.all(untilFences);
    };
    return { near, far, clients, heard };
  }
});

/** What `act` begins lies between broadcasts of the same turn. */
function between<T>({ server }: Node, act: () => T): T {
  for (const sequence of numbers(many)) server.emit('said', 0, sequence);
  const result = act();
  for (const sequence of numbers(many)) server.emit('said', 1, sequence);
  return result;
}

/** Those before, those after, or all. */
function broadcasts(part?: 0 | 1): unknown[][] {
  const parts = part === undefined ? [0, 1] : [part];
  return parts.flatMap((each) => numbers(many).map((sequence) => ['said', each, sequence]));
}

function numbers(count: number): number[] {
  return Array.from({ length: count }, (_, number) => number);
}
