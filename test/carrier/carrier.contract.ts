import { describe, expect, it } from 'vitest';
import type { Carrier } from '../../src/carrier.js';
import type { ClusterIoError } from '../../src/errors.js';
import { eventually } from '../support/eventually.js';
import { type Inbox, inboxOf } from '../support/inbox.js';

/** Opens the carriers of so many processes that share one channel space. They end with the test. */
export type StartCarriers = (count: number) => Promise<readonly Carrier[]>;

/**
 * Messages of two channels may overtake each other, where two nodes of a Redis Cluster carry them. Whichever node carries
 * a channel, some of these come behind what was published there before.
 */
const fences = Array.from({ length: 16 }, (_, index) => `fence ${index}`);

/** What every {@link Carrier} promises, whatever it moves messages with. */
export function describeCarrier(name: string, start: StartCarriers, { hearsPrefixes = true } = {}): void {
  describe(`the ${name} carrier`, () => {
    it('delivers to every subscriber, the publisher included', async () => {
      const carriers = await start(3);
      const inboxes = carriers.map(inboxOf);
      await Promise.all(carriers.map((carrier) => carrier.subscribe(['news'])));

      carriers[0]!.publish('news', Buffer.from('hello'));

      await Promise.all(inboxes.map((inbox) => inbox.fence('news')));
      expect(inboxes.map((inbox) => inbox.on('news'))).toEqual([['hello'], ['hello'], ['hello']]);
    });

    it('delivers what is published to exactly the channel, and nothing else', async () => {
      const [reader, writer] = await startTwo(start);
      const inbox = inboxOf(reader);
      await reader.subscribe(['room', ...fences]);

      for (const channel of ['Room', 'room ', 'roo', 'room#', 'room*', '', 'room', ...fences]) {
        writer.publish(channel, Buffer.from(channel));
      }

      await heardAll(inbox, fences);
      expect(inbox.channels.filter((channel) => !fences.includes(channel))).toEqual(['room']);
    });

    it('keeps the order of each publisher on a channel', async () => {
      const [reader, ...writers] = await start(3);
      const inbox = inboxOf(reader!);
      await reader!.subscribe(['news', 'fence']);

      for (let sequence = 0; sequence < 3_000; sequence++) {
        for (const [index, writer] of writers.entries()) writer.publish('news', Buffer.from(`${index}:${sequence}`));
      }
      for (const writer of writers) writer.publish('fence', Buffer.alloc(0));

      await inbox.until(() => inbox.on('fence').length === 2 && inbox.on('news').length === 6_000);
      const all = Array.from({ length: 3_000 }, (_, sequence) => sequence);
      expect(['0', '1'].map((index) => sequencesOf(inbox.on('news'), index))).toEqual([all, all]);
    });

    it('carries bytes as they are, also none and a megabyte', async () => {
      const [reader, writer] = await startTwo(start);
      const inbox = inboxOf(reader);
      await reader.subscribe(['bytes']);
      const every = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
      const large = Buffer.alloc(1_048_576, every);
      // A view into a larger buffer must not drag the rest along.
      const sent = [every, Buffer.alloc(0), Buffer.from([0x7b, 0xff, 0xfe]), large, every.subarray(10, 20)];

      for (const message of sent) writer.publish('bytes', message);

      await inbox.until(() => inbox.messages.length === sent.length);
      expect(inbox.messages.every((message) => Buffer.isBuffer(message))).toBe(true);
      expect(inbox.messages.map((message) => message.toString('hex'))).toEqual(
        sent.map((message) => message.toString('hex')),
      );
    });

    it('carries the name of a channel as it is', async () => {
      const [reader, writer] = await startTwo(start);
      const inbox = inboxOf(reader);
      const channels = ['key#/#räum 7#', 'key#/#*#', 'key#/#a\r\nb#', 'key#/#日本#', 'key#/##'];
      await reader.subscribe(channels);

      for (const channel of channels) writer.publish(channel, Buffer.from('x'));

      await inbox.until(() => inbox.channels.length === channels.length);
      expect(inbox.channels.toSorted()).toEqual(channels.toSorted());
    });

    it('delivers nothing after an unsubscription', async () => {
      const [reader, writer] = await startTwo(start);
      const inbox = inboxOf(reader);
      await reader.subscribe(['left', 'kept']);
      reader.unsubscribe(['left']);
      await reader.subscribe(fences);

      for (const channel of ['left', 'kept', ...fences]) writer.publish(channel, Buffer.from(channel));

      await heardAll(inbox, ['kept', ...fences]);
      expect(inbox.channels).not.toContain('left');
    });

    it('is live on a channel as soon as subscribe resolves', async () => {
      const [reader, writer] = await startTwo(start);
      const inbox = inboxOf(reader);
      const channels = Array.from({ length: 300 }, (_, index) => `channel ${index}`);

      for (const channel of channels) {
        await reader.subscribe([channel]);
        writer.publish(channel, Buffer.from('now'));
      }
      await reader.subscribe(fences);
      for (const fence of fences) writer.publish(fence, Buffer.alloc(0));

      await heardAll(inbox, fences);
      expect(inbox.channels.toSorted()).toEqual([...channels, ...fences].toSorted());
    });

    it('is not live on a channel that was left and entered again until subscribe resolves, and then is', async () => {
      const [reader, writer] = await startTwo(start);
      const inbox = inboxOf(reader);
      for (let round = 0; round < 100; round++) {
        const entered = reader.subscribe(['room']);
        reader.unsubscribe(['room']);
        await Promise.all([entered, reader.subscribe(['room'])]);
        writer.publish('room', Buffer.from(`${round}`));
      }
      await reader.subscribe(fences);
      for (const fence of fences) writer.publish(fence, Buffer.alloc(0));

      await heardAll(inbox, fences);
      expect(inbox.on('room')).toEqual(Array.from({ length: 100 }, (_, round) => `${round}`));
    });

    if (hearsPrefixes) describePrefixes(start);

    it('says whether it can hear a prefix, and refuses where it cannot', async () => {
      const [carrier] = await start(1);

      expect(carrier!.hearsPrefixes).toBe(hearsPrefixes);
      const outcome = await carrier!.subscribePrefix('ro').then(
        () => 'subscribed',
        ({ code }: ClusterIoError) => code,
      );
      expect(outcome).toBe(hearsPrefixes ? 'subscribed' : 'PREFIX_UNSUPPORTED');
    });

    it('counts the processes that are subscribed to a channel', async () => {
      const [first, second, third] = await start(3);
      await Promise.all([first!.subscribe(['room', 'other']), second!.subscribe(['room'])]);
      await Promise.all([first!.subscribe(['room']), hearsPrefixes && third!.subscribePrefix('ro')]);

      const counts = await Promise.all(['room', 'other', 'nobody'].map((channel) => third!.subscribers(channel)));
      second!.unsubscribe(['room']);

      expect(counts).toEqual([2, 1, 0]);
      await eventually(
        () => third!.subscribers('room'),
        (count) => count === 1,
      );
    });

    it('holds 2,000 channels, asked for at once', async () => {
      const [reader, writer] = await startTwo(start);
      const inbox = inboxOf(reader);
      const channels = Array.from({ length: 2_000 }, (_, index) => `key#/#room ${index}#`);
      await reader.subscribe(channels);

      for (const channel of channels) writer.publish(channel, Buffer.from('x'));
      await inbox.until(() => inbox.channels.length === channels.length);
      reader.unsubscribe(channels);
      await reader.subscribe(fences);
      for (const channel of [...channels, ...fences]) writer.publish(channel, Buffer.from('x'));

      await heardAll(inbox, fences);
      expect(inbox.channels.toSorted()).toEqual([...channels, ...fences].toSorted());
    });

    it('takes an empty list of channels for nothing to do', async () => {
      const [carrier] = await start(1);

      await carrier!.subscribe([]);
      carrier!.unsubscribe([]);

      expect(await carrier!.subscribers('anything')).toBe(0);
    });

    it('calls a listener no more once that has ended it', async () => {
      const [reader, writer] = await startTwo(start);
      const [ended, other] = [inboxOf(reader), inboxOf(reader)];
      await reader.subscribe(['room']);
      ended.end();

      writer.publish('room', Buffer.from('x'));

      await other.fence('room');
      expect(ended.channels).toEqual([]);
    });

    it('has lost nothing while all went well', async () => {
      const carriers = await start(2);
      const inbox = inboxOf(carriers[1]!);
      await carriers[1]!.subscribe(['room']);

      carriers[0]!.publish('room', Buffer.from('x'));

      await inbox.fence('room');
      expect(carriers.map(({ health }) => health)).toEqual([
        { state: 'connected', lost: 0 },
        { state: 'connected', lost: 0 },
      ]);
    });

    it('closes quickly, more than once, and ends its subscriptions', async () => {
      const [closed, other] = await startTwo(start);
      const inbox = inboxOf(closed);
      const otherInbox = inboxOf(other);
      await Promise.all([closed.subscribe(['room']), other.subscribe(['room'])]);
      if (hearsPrefixes) await closed.subscribePrefix('ro');

      const since = performance.now();
      await Promise.all([closed.close(), closed.close()]);
      await closed.close();

      expect(performance.now() - since).toBeLessThan(2_000);
      other.publish('room', Buffer.from('x'));
      await otherInbox.fence('room');
      // What one process says and what another asks travel apart, so the answer may be early.
      while ((await other.subscribers('room')) > 1);
      expect(inbox.channels).toEqual([]);
      expect(closed.health.state).toBe('closed');
    });

    it('publishes before it closes what it was given before', async () => {
      const [closed, other] = await startTwo(start);
      const inbox = inboxOf(other);
      await other.subscribe(['room']);

      for (let sequence = 0; sequence < 100; sequence++) closed.publish('room', Buffer.from(`${sequence}`));
      await closed.close();

      await inbox.until(() => inbox.on('room').length === 100);
      expect(closed.health.lost).toBe(0);
    });

    it('counts as lost what is given to it after it has closed, and never throws', async () => {
      const [carrier] = await start(1);
      await carrier!.close();

      for (const message of ['a', 'b', 'c']) carrier!.publish('room', Buffer.from(message));
      carrier!.unsubscribe(['room']);
      carrier!.unsubscribePrefix('ro');
      await carrier!.subscribe(['room']);
      if (hearsPrefixes) await carrier!.subscribePrefix('ro');

      expect(carrier!.health).toEqual({ state: 'closed', lost: 3 });
    });

    it('lets go of those who wait for a subscription when it closes', async () => {
      const [carrier] = await start(1);
      const waiting = Promise.all([carrier!.subscribe(['room']), hearsPrefixes && carrier!.subscribePrefix('ro')]);

      await carrier!.close();

      await expect(waiting).resolves.toBeDefined();
    });
  });
}

function describePrefixes(start: StartCarriers): void {
  it.each([
    ['plain', ['plain', 'plain#room'], ['plai', 'Plain#', 'x plain']],
    ['a*b', ['a*b', 'a*b#'], ['aXb', 'ab', 'a**b']],
    ['a?', ['a?', 'a?b'], ['ab', 'a', 'abb']],
    ['[abc]', ['[abc]', '[abc]#'], ['a', 'b#', 'abc]']],
    ['[^a]', ['[^a]#'], ['b', '^', 'b#']],
    ['[a-c]', ['[a-c]#'], ['b', 'a', '-']],
    ['a\\*', ['a\\*', 'a\\*b'], ['a*', 'a\\b', 'a\\']],
    ['a\\', ['a\\', 'a\\b'], ['a', 'ab', 'a*']],
    ['*', ['*', '*a'], ['a', '', 'a*']],
  ])('hears with the prefix %j just what starts with it', async (prefix, matching, others) => {
    const [reader, writer] = await startTwo(start);
    const inbox = inboxOf(reader);
    await Promise.all([reader.subscribePrefix(prefix), reader.subscribe(['the fence'])]);

    for (const channel of [...others, ...matching, 'the fence']) writer.publish(channel, Buffer.from('x'));

    await inbox.fence('the fence');
    expect(inbox.channels).toEqual([...matching, 'the fence']);
  });

  it('is live on a prefix as soon as subscribePrefix resolves, and silent after unsubscribePrefix', async () => {
    const [reader, writer] = await startTwo(start);
    const inbox = inboxOf(reader);
    for (let round = 0; round < 50; round++) {
      await reader.subscribePrefix(`[${round}]*`);
      writer.publish(`[${round}]*heard`, Buffer.from('x'));
      await inbox.fence(`[${round}]*heard`);
      reader.unsubscribePrefix(`[${round}]*`);
      await reader.subscribe(['fence']);
      writer.publish(`[${round}]*late`, Buffer.from('x'));
    }
    writer.publish('fence', Buffer.alloc(0));

    await inbox.fence('fence');
    expect(inbox.channels).toEqual([...Array.from({ length: 50 }, (_, round) => `[${round}]*heard`), 'fence']);
  });
}

/** Resolves once each of the channels has brought something. */
async function heardAll(inbox: Inbox, channels: readonly string[]): Promise<void> {
  for (const channel of channels) await inbox.fence(channel);
}

async function startTwo(start: StartCarriers): Promise<readonly [Carrier, Carrier]> {
  const [first, second] = await start(2);
  return [first!, second!];
}

function sequencesOf(messages: readonly string[], publisher: string): number[] {
  return messages
    .map((message) => message.split(':'))
    .filter(([index]) => index === publisher)
    .map(([, sequence]) => Number(sequence));
}
