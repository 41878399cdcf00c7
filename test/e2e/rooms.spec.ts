import { beforeAll, describe, expect, it } from 'vitest';
import type { Socket } from 'socket.io-client';
import { carrierEnvironment, carriers } from '../support/carriers.js';
import { collect, next, openUntyped } from '../support/clients.js';
import { type RunningProgram, startProgram } from '../support/start-program.js';

describe.each(carriers)('over the %s carrier', (carrier) => {
  const env = { ...carrierEnvironment(carrier), HOST_NAME: 'host-a' };
  let cluster: RunningProgram;
  let probes: RunningProgram;

  beforeAll(async () => {
    const endings: (() => Promise<void>)[] = [];
    const options = { workers: 3, env, endWith: (end: () => Promise<void>) => void endings.push(end) };
    [cluster, probes] = await Promise.all([
      startProgram(options),
      startProgram({ ...options, entry: 'dist/test/fixtures/probe.cluster.js' }),
    ]);
    return async () => void (await Promise.all(endings.map((end) => end())));
  });

  describe('a message said in a room', () => {
    it('reaches its members on every worker, with who said it', async () => {
      const members = await cluster.connectToEach();
      await Promise.all(members.map((member) => member.emitWithAck('join', 'lobby')));

      const heard = Promise.all(members.map((member) => next(member, 'said')));
      await members[0]!.emitWithAck('say', { room: 'lobby', text: 'hello' });

      const said = { room: 'lobby', text: 'hello', from: members[0]!.id };
      expect(await heard).toEqual([[said], [said], [said]]);
    });

    it('does not reach anyone else', async () => {
      const [speaker, outsider] = await cluster.connectToEach();
      await outsider!.emitWithAck('join', 'elsewhere');

      const first = next(outsider!, 'said');
      await speaker!.emitWithAck('say', { room: 'lobby', text: 'for members only' });
      await speaker!.emitWithAck('say', { room: 'elsewhere', text: 'fence' });

      expect((await first)[0]).toMatchObject({ text: 'fence' });
    });

    it('no longer reaches a member that has left', async () => {
      const [speaker, leaver] = await cluster.connectToEach();
      for (const room of ['lobby', 'elsewhere']) await leaver!.emitWithAck('join', room);
      await leaver!.emitWithAck('leave', 'lobby');

      const first = next(leaver!, 'said');
      await speaker!.emitWithAck('say', { room: 'lobby', text: 'for members only' });
      await speaker!.emitWithAck('say', { room: 'elsewhere', text: 'fence' });

      expect((await first)[0]).toMatchObject({ text: 'fence' });
    });

    it('is refused with the field that is wrong, and sent to nobody', async () => {
      const [speaker, member] = await cluster.connectToEach();
      await member!.emitWithAck('join', 'lobby');

      const first = next(member!, 'said');
      const refused = await speaker!.emitWithAck('say', { room: 'lobby', text: 7 as unknown as string });
      await speaker!.emitWithAck('say', { room: 'lobby', text: 'fence' });

      expect(refused).toEqual({
        error: {
          code: 'VALIDATION_FAILED',
          message: 'The payload is wrong: text: must be a string.',
          details: [{ field: 'text', expected: 'must be a string' }],
        },
      });
      expect((await first)[0]).toMatchObject({ text: 'fence' });
    });
  });

  describe('a client', () => {
    it('learns from whereami what its welcome said', async () => {
      const { client, welcome } = await cluster.connect();

      expect(welcome).toEqual({
        worker: expect.any(Number),
        host: 'host-a',
        message: `connected to worker: ${welcome.worker}`,
      });
      expect(await client.emitWithAck('whereami')).toEqual({
        worker: welcome.worker,
        host: 'host-a',
        id: client.id,
        transport: 'websocket',
      });
    });

    it('is reached alone by its id, from another worker', async () => {
      const [sender, addressee, other] = await connectToProbes(probes, 3);
      const [heard, fence] = [next(addressee!, 'heard'), next(other!, 'heard')];

      await sender!.emitWithAck('emit', { rooms: [addressee!.id], except: [], payload: 'for you' });
      await sender!.emitWithAck('emit', { rooms: [other!.id], except: [], payload: 'fence' });

      expect(await heard).toEqual(['for you']);
      expect(await fence).toEqual(['fence']);
    });
  });

  describe('a broadcast of a team’s gateway', () => {
    it('leaves out the rooms that it excepts, on every worker', async () => {
      const [sender, member, excepted] = await connectToProbes(probes, 3);
      for (const client of [member, excepted]) await client!.emitWithAck('join', 'lobby');
      await excepted!.emitWithAck('join', 'quiet');
      const heard = collect(excepted!, 'heard', ({ length }) => length === 1);

      await sender!.emitWithAck('emit', { rooms: ['lobby'], except: ['quiet'], payload: 'not for all' });
      await sender!.emitWithAck('emit', { rooms: ['lobby'], except: [], payload: 'fence' });

      expect(await heard).toEqual(['fence']);
    });

    it('carries binary as it was sent, nested and empty', async () => {
      const [sender, ...receivers] = await connectToProbes(probes, 3);
      const heard = Promise.all(receivers.map((receiver) => next(receiver, 'heard')));
      const bytes = Buffer.from(Array.from({ length: 256 }, (_, value) => value));

      await sender!.emitWithAck('emit', { rooms: [], except: [], payload: { bytes, list: [Buffer.alloc(0)] } });

      expect(await heard).toEqual([[{ bytes, list: [Buffer.alloc(0)] }], [{ bytes, list: [Buffer.alloc(0)] }]]);
    });

    it('finds the members of a room on every worker with fetchSockets', async () => {
      const clients = await connectToProbes(probes, 3);
      for (const client of clients) await client.emitWithAck('join', 'found');

      const found = (await clients[0]!.emitWithAck('members', 'found')) as string[];

      expect(found.toSorted()).toEqual(clients.map(({ id }) => id!).toSorted());
    });

    it('reaches a client elsewhere that was told to join in the same breath', async () => {
      const [sender, joiner] = await connectToProbes(probes, 2);
      const heard = collect<number>(joiner!, 'heard', (all) => all.includes(20));

      for (let turn = 1; turn <= 20; turn++) {
        await sender!.emitWithAck('gather', { from: joiner!.id, room: `room ${turn}`, payload: turn });
      }

      expect(await heard).toEqual(Array.from({ length: 20 }, (_, index) => index + 1));
    });

    it('disconnects the clients of a room on every worker', async () => {
      const [sender, ...others] = await connectToProbes(probes, 3);
      for (const client of others) await client.emitWithAck('join', 'doomed');
      const reasons = Promise.all(others.map((client) => next(client, 'disconnect')));

      await sender!.emitWithAck('disconnectAll', 'doomed');

      expect((await reasons).map(([reason]) => reason)).toEqual(['io server disconnect', 'io server disconnect']);
    });
  });

  describe('the namespace /notifications', () => {
    it('hears what is posted for its user to any worker, and nobody else does', async () => {
      const clients = Array.from({ length: 4 }, () => openUntyped(`${cluster.url}/notifications`));
      const users = ['ada', 'ada', 'ada', 'bob'];
      await Promise.all(clients.map((client, index) => client.emitWithAck('subscribe', users[index])));
      const heard = clients.map((client, index) =>
        collect<{ title: string }>(client, 'notification', ({ length }) => length === (users[index] === 'ada' ? 3 : 1)),
      );

      for (const title of ['1 of 3', '2 of 3', '3 of 3']) {
        expect((await post(cluster, 'ada', { title })).status).toBe(202);
      }
      await post(cluster, 'bob', { title: 'fence', body: 'after the others' });

      // The posts go through different workers, and only what one process publishes keeps its order.
      const titles = (await Promise.all(heard)).map((all) => all.map(({ title }) => title).toSorted());
      expect(titles).toEqual([
        ['1 of 3', '2 of 3', '3 of 3'],
        ['1 of 3', '2 of 3', '3 of 3'],
        ['1 of 3', '2 of 3', '3 of 3'],
        ['fence'],
      ]);
    });

    it('refuses a notification without a title with 400, and the user hears nothing of it', async () => {
      const client = openUntyped(`${cluster.url}/notifications`);
      await client.emitWithAck('subscribe', 'ada');
      const heard = collect<unknown>(client, 'notification', ({ length }) => length === 1);

      const refused = await post(cluster, 'ada', { title: '' });
      await post(cluster, 'ada', { title: 'fence' });

      expect(refused.status).toBe(400);
      expect(await heard).toEqual([{ title: 'fence' }]);
    });

    it('hears no message of the default namespace', async () => {
      const [speaker] = await cluster.connectToEach();
      const client = openUntyped(`${cluster.url}/notifications`);
      await client.emitWithAck('subscribe', 'ada');
      const events: string[] = [];
      client.onAny((event: string) => events.push(event));
      const heard = next(client, 'notification');

      await speaker!.emitWithAck('say', { room: 'user:ada', text: 'not a notification' });
      await post(cluster, 'ada', { title: 'fence' });

      await heard;
      expect(events).toEqual(['notification']);
    });
  });
});

/** Round-robin puts consecutive clients on different workers. */
async function connectToProbes(cluster: RunningProgram, count: number): Promise<Socket[]> {
  const clients: Socket[] = [];
  for (let index = 0; index < count; index++) {
    const client = openUntyped(`${cluster.url}/probe`);
    await next(client, 'connect' as never);
    clients.push(client);
  }
  return clients;
}

function post({ url }: RunningProgram, user: string, notification: object): Promise<Response> {
  return fetch(`${url}/notifications/${user}`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(notification),
  });
}
