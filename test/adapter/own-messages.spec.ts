import type { RedisAdapter } from '@socket.io/redis-adapter';
import * as msgpack from 'notepack.io';
import { describe, expect, it, vi } from 'vitest';
import { carriers } from '../support/carriers.js';
import { type Node, startFleet, startNode, untilFence } from '../support/nodes.js';

describe.each(carriers)('over the %s carrier, what a node has sent itself', (carrier) => {
  it('comes back and is neither decoded nor delivered again', async () => {
    const { near, far, client, prefix } = await startPair();
    const [decodedHere, decodedThere] = [near, far].map(spyOnDecode);
    const heard = untilFence(client, 2);

    near.server.emit('said', 'to all');
    near.server.to('lobby').emit('said', 'to the lobby');
    near.server.to(['lobby', 'hall']).emit('said', Buffer.from([0, 255]));
    near.server.to(client.id!).emit('said', 'to one');
    near.server.emit('fence');
    await near.inbox.until(() => near.inbox.channels.length === 5);
    far.server.emit('fence');

    expect(await heard).toEqual([
      ['said', 'to all'],
      ['said', 'to the lobby'],
      ['said', Buffer.from([0, 255])],
      ['said', 'to one'],
    ]);
    expect(near.inbox.channels.slice(0, 5)).toEqual([
      prefix,
      `${prefix}lobby#`,
      prefix,
      `${prefix}${client.id!}#`,
      prefix,
    ]);
    // What the other has said, and nothing else.
    expect(decodedHere).toHaveBeenCalledOnce();
    expect(decodedThere).toHaveBeenCalledTimes(3);
  });

  it('as a request comes back and is not parsed, but does what it should on both nodes', async () => {
    const { near, far, client } = await startPair();
    const other = await far.connect();
    far.server.on('who', (answer: (name: string) => void) => answer('far'));
    near.server.on('who', (answer: (name: string) => void) => answer('near'));
    const parse = vi.spyOn(JSON, 'parse');

    near.server.socketsJoin('all');
    near.server.in(other.id!).socketsJoin('left');
    near.server.in('left').socketsLeave('left');
    const found = await near.server.fetchSockets();
    const names = await near.server.serverSideEmitWithAck('who');

    const own = parse.mock.calls.filter(([text]) => text.includes(`"uid":"${uidOf(near)}"`));
    // Each of the five is parsed by its publisher, and by the other node: for a look at it, and in the official adapter.
    expect(own).toHaveLength(15);
    expect(names).toEqual(['far']);
    expect(new Map(found.map(({ id, rooms }) => [id, rooms]))).toEqual(
      new Map([
        [client.id!, new Set([client.id!, 'lobby', 'all'])],
        [other.id!, new Set([other.id!, 'all'])],
      ]),
    );
  });

  it('is known by the id of the sender, and not by what begins alike', async () => {
    const { near, far, client, prefix } = await startPair();
    const heard = untilFence(client);
    const uid = uidOf(near);

    for (const sender of [uid.slice(0, 5), `${uid}x`, uid, `${uid.slice(0, 5)}~`]) {
      const packet = { type: 2, nsp: '/', data: ['said', sender] };
      far.carrier.publish(prefix, msgpack.encode([sender, packet, { rooms: [], except: [], flags: {} }]));
    }
    for (const nothing of [Buffer.alloc(0), Buffer.from([0x93]), Buffer.from([0x93, 0xa6])]) {
      far.carrier.publish(prefix, nothing);
    }
    far.server.emit('fence');

    expect((await heard).map(([, words]) => words)).toEqual([uid.slice(0, 5), `${uid}x`, `${uid.slice(0, 5)}~`]);
  });

  async function startPair() {
    const fleet = startFleet(carrier);
    const [near, far] = [await startNode(fleet), await startNode(fleet)];
    const client = await near.connect();
    await client.emitWithAck('join', 'lobby');
    return { near, far, client, prefix: `${fleet.key}#/#` };
  }
});

function adapterOf({ server }: Node): RedisAdapter {
  return server.sockets.adapter as RedisAdapter;
}

function uidOf(node: Node): string {
  return adapterOf(node).uid;
}

function spyOnDecode(node: Node) {
  const adapter = adapterOf(node);
  const decode = vi.fn<(message: Buffer) => unknown>((message) => msgpack.decode(message));
  Object.assign(adapter, { parser: { encode: msgpack.encode, decode } });
  return decode;
}
