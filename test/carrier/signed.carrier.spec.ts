import { describe, expect, it } from 'vitest';
import { Emitter } from '@socket.io/redis-emitter';
import { SignedCarrier, signedWith } from '../../src/carrier/signed.carrier.js';
import { refusedMessages } from '../../src/refused-messages.js';
import { inboxOf } from '../support/inbox.js';
import { openRedisClient, startFleet, startNode, untilFence } from '../support/nodes.js';
import { RecordingCarrier } from '../support/recording-carrier.js';
import { connected, ownRedis } from '../support/redis-carriers.js';
import { describeCarrier } from './carrier.contract.js';

const key = 'sixteen characters';

describeCarrier('signed (over Redis)', async (count) => {
  const { url } = await ownRedis();
  return Promise.all(Array.from({ length: count }, async () => new SignedCarrier(await connected({ url }), key)));
});

describe('a signed carrier', () => {
  it.each<[string, (signed: Buffer) => Buffer]>([
    ['that nobody has signed', () => Buffer.from('hello')],
    ['that is shorter than a signature', () => Buffer.from('x')],
    ['without bytes', () => Buffer.alloc(0)],
    ['that was cut', (signed) => signed.subarray(0, -1)],
    ['that was changed', (signed) => flipped(signed, signed.length - 1)],
    ['whose signature was changed', (signed) => flipped(signed, 0)],
    ['that is a signature alone', (signed) => signed.subarray(0, 16)],
  ])('refuses and counts a message %s, and brings the next one', async (_, spoil) => {
    const { signed, plain, writer, inbox } = await start();
    const before = refusedMessages.total;

    plain.publish('news', spoil(signed));
    writer.publish('news', Buffer.from('signed'));

    await inbox.fence('news');
    expect(inbox.on('news')).toEqual(['signed']);
    expect(refusedMessages.total - before).toBe(1);
  });

  it('refuses a message that was signed for another channel', async () => {
    const { signed, plain, reader, writer, inbox } = await start();
    await reader.subscribe(['other']);

    plain.publish('other', signed);
    writer.publish('other', Buffer.from('for this one'));

    await inbox.fence('other');
    expect(inbox.on('other')).toEqual(['for this one']);
  });

  it('tells where the channel ends and the message begins', () => {
    const [first, second] = [signatureOf('ab', 'c'), signatureOf('a', 'bc')].map((signed) => signed.subarray(0, 16));

    expect(first).not.toEqual(second);
  });

  it('refuses a message that was signed with another key', async () => {
    const { plain, writer, inbox } = await start();

    new SignedCarrier(plain, 'another key of 16').publish('news', Buffer.from('forged'));
    writer.publish('news', Buffer.from('signed'));

    await inbox.fence('news');
    expect(inbox.on('news')).toEqual(['signed']);
  });

  it('keeps the signature from whoever hears the message', async () => {
    const { writer, inbox } = await start();

    writer.publish('news', Buffer.from('hello'));

    await inbox.fence('news');
    expect(inbox.messages.map(String)).toEqual(['hello']);
  });

  it('is the carrier itself without a key', () => {
    const carrier = new RecordingCarrier();

    expect(signedWith(undefined, carrier)).toBe(carrier);
  });
});

describe('nodes over signed carriers', () => {
  it('hear each other, and not an official emitter', async () => {
    const fleet = startFleet('redis');
    const [near, far] = await Promise.all(
      [1, 2].map(async () => startNode(fleet, { carrier: new SignedCarrier(await fleet.openCarrier(), key) })),
    );
    const client = await near!.connect();
    await client.emitWithAck('join', 'lobby');
    const heard = untilFence(client);
    const official = new Emitter(openRedisClient(), { key: fleet.key });

    official.emit('said', 'from outside');
    official.disconnectSockets();
    await far!.carrier.subscribers('anything');
    far!.server.to('lobby').emit('said', 'to the lobby');
    far!.server.emit('fence');

    expect(await heard).toEqual([['said', 'to the lobby']]);
    expect((await far!.server.fetchSockets()).map(({ id }) => id)).toEqual([client.id]);
  });
});

async function start() {
  const { url } = await ownRedis();
  const plain = await connected({ url });
  const reader = new SignedCarrier(await connected({ url }), key);
  const writer = new SignedCarrier(await connected({ url }), key);
  const inbox = inboxOf(reader);
  await reader.subscribe(['news']);
  return { plain, reader, writer, inbox, signed: signatureOf('news', 'hello') };
}

/** What is published for a message: the signature and the message. */
function signatureOf(channel: string, message: string): Buffer {
  const carrier = new RecordingCarrier();
  new SignedCarrier(carrier, key).publish(channel, Buffer.from(message));
  return carrier.published[0]!.message;
}

function flipped(bytes: Buffer, index: number): Buffer {
  const copy = Buffer.from(bytes);
  copy[index]! ^= 1;
  return copy;
}
