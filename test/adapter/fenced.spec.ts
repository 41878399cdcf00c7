import { Emitter } from '@socket.io/redis-emitter';
import { describe, expect, it } from 'vitest';
import { fencedEncoder, type FencedMessage, type Fencing } from '../../src/fenced-message.js';
import { Publisher } from '../../src/publisher.js';
import { carriers } from '../support/carriers.js';
import { type Fleet, startFleet, startNode, startPlainServer, untilFence } from '../support/nodes.js';

const fencing: Fencing = { stream: 'prices', term: { counter: 3, holder: 'host-1:7' }, sequence: 42 };

describe.each(carriers)('a fenced message over the %s carrier', (carrier) => {
  it('goes to whoever checks it, and to no client by itself', async () => {
    const fleet = startFleet(carrier);
    const taken: [string, FencedMessage][] = [];
    const node = await startNode(fleet, { onFenced: (namespace, message) => taken.push([namespace, message]) });
    const heard = untilFence(await node.connect());

    await emitFenced(fleet, 'sold', 7);

    expect(await heard).toEqual([]);
    expect(taken).toEqual([['/', { fencing, event: 'sold', args: [7] }]]);
  });

  it('is delivered as any other where nobody checks it', async () => {
    const fleet = startFleet(carrier);
    const node = await startNode(fleet);
    const heard = untilFence(await node.connect());

    await emitFenced(fleet, 'sold', 7);

    expect(await heard).toEqual([['sold', 7]]);
  });

  it('that is malformed reaches nobody, and the node serves on', async () => {
    const fleet = startFleet(carrier);
    const taken: unknown[] = [];
    const node = await startNode(fleet, { onFenced: (_, message) => taken.push(message) });
    const heard = untilFence(await node.connect());

    await emitFenced(fleet, 'sold', 'x'.repeat(20_000));

    expect(await heard).toEqual([]);
    expect(taken).toEqual([]);
  });
});

describe('a fenced message', () => {
  it('is delivered by official servers as any other', async () => {
    const fleet = startFleet('redis');
    const plain = await startPlainServer(fleet.key);
    const heard = untilFence(await plain.connect());

    await emitFenced(fleet, 'sold', 7);

    expect(await heard).toEqual([['sold', 7]]);
  });
});

async function emitFenced({ key, openCarrier }: Fleet, event: string, ...args: unknown[]): Promise<void> {
  const publisher = new Publisher(await openCarrier(), { key });
  new Emitter(publisher, { key, parser: fencedEncoder(fencing) }).emit(event, ...args);
  new Emitter(publisher, { key }).emit('fence');
}
