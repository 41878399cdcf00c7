import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { EmbeddedCarrier } from '../../src/carrier/embedded.carrier.js';
import { EmbeddedHub } from '../../src/carrier/embedded-hub.js';
import type { HubLink, HubReply, HubRequest, ProcessLink } from '../../src/carrier/embedded.protocol.js';
import { localLink } from '../../src/carrier/local-link.js';
import type { IpcEnd } from '../../src/ipc.js';
import { refusedMessages } from '../../src/refused-messages.js';
import { inboxOf } from '../support/inbox.js';
import { ipcPair } from '../support/ipc-pair.js';
import { watchForUnhandled } from '../support/rejections.js';
import { describeCarrier } from './carrier.contract.js';

const mebibyte = Buffer.alloc(1_048_576);

describeCarrier('embedded (in one process)', async (count) => {
  const hub = new EmbeddedHub();
  return Array.from({ length: count }, () => attached(hub));
});

describeCarrier('embedded (over IPC)', async (count) => {
  const hub = new EmbeddedHub();
  return Array.from({ length: count }, () => attached(hub, ipcPair()));
});

describe('the hub of the embedded carrier', () => {
  it('drops and counts messages to a process that does not read, and serves the others', async () => {
    const hub = new EmbeddedHub();
    const [writer, reader] = [attached(hub), attached(hub)];
    const stuck = stuckLink();
    hub.attach(stuck.hub, 100_000);
    stuck.say(['subscribe', 1, ['news']]);
    const inbox = inboxOf(reader);
    await reader.subscribe(['news']);

    for (let sequence = 0; sequence < 1_000; sequence++) writer.publish('news', Buffer.alloc(1_000));

    await inbox.until(() => inbox.messages.length === 1_000);
    const reached = stuck.sent.flat().filter(([kind]) => kind === 'message').length;
    expect(reached).toBeGreaterThan(0);
    expect(reached).toBeLessThanOrEqual(100);
    expect(hub.lost).toBe(1_000 - reached);
    expect([writer, reader].map(({ health }) => health.lost)).toEqual([0, 0]);
  });

  it('passes over what no process says, and serves that process and the others', async () => {
    const failed = watchForUnhandled();
    const hub = new EmbeddedHub();
    const pair = ipcPair();
    const carrier = attached(hub, pair);
    const [inbox, before] = [inboxOf(carrier), refusedMessages.total];
    await Promise.all([carrier.subscribe(['news']), carrier.subscribePrefix('pre')]);
    const wrong = [
      null,
      7,
      'publish',
      {},
      [],
      ['publish'],
      ['publish', 7, Buffer.alloc(1)],
      ['publish', 'news', 'text'],
    ];
    const more = [
      ['publish', 'news', { length: -1 }],
      ['subscribe', 1, 7],
      ['subscribe', 1, [{}]],
      ['count', 1],
      ['x'],
    ];

    const toHub = pair.ends.worker;
    const toProcess = pair.ends.primary;
    for (const payload of [null, 7, {}, [...wrong, ...more]]) say(toHub, payload);
    for (const payload of [null, 7, {}, [...wrong, ['message', 7, 7], ['done', 'x'], ['message', 'news', 'x']]]) {
      say(toProcess, payload);
    }
    carrier.publish('news', Buffer.from('hello'));

    await inbox.fence('news');
    expect(inbox.on('news')).toEqual(['hello']);
    expect(await carrier.subscribers('news')).toBe(1);
    expect(refusedMessages.total - before).toBe(3 + wrong.length + more.length + 3 + wrong.length + 3);
    await failed();
  });

  it('bounds messages without bytes as well', async () => {
    const hub = new EmbeddedHub();
    const [writer, reader] = [attached(hub), attached(hub)];
    const stuck = stuckLink();
    hub.attach(stuck.hub, 10_000);
    stuck.say(['subscribe', 1, ['news']]);
    const inbox = inboxOf(reader);
    await reader.subscribe(['news']);

    for (let sequence = 0; sequence < 1_000; sequence++) writer.publish('news', Buffer.alloc(0));

    await inbox.until(() => inbox.messages.length === 1_000);
    expect(hub.lost).toBeGreaterThan(500);
  });

  it('serves a process again once it reads', async () => {
    const hub = new EmbeddedHub();
    const writer = attached(hub);
    const stuck = stuckLink();
    hub.attach(stuck.hub, 10_000);
    stuck.say(['subscribe', 1, ['news']]);
    for (let sequence = 0; sequence < 20; sequence++) writer.publish('news', Buffer.alloc(1_000));
    await writer.subscribers('news');
    const lost = hub.lost;

    stuck.read();
    writer.publish('news', Buffer.from('again'));
    await writer.subscribers('news');
    await turn();

    expect(stuck.sent.flat().at(-1)).toEqual(['message', 'news', Buffer.from('again')]);
    expect(hub.lost).toBe(lost);
  });

  it('is bounded by a stopped process, and others hear all', async () => {
    const hub = new EmbeddedHub();
    const [writer, reader] = [attached(hub), attached(hub)];
    const pair = ipcPair();
    const stopped = attached(hub, pair);
    const inbox = inboxOf(reader);
    await Promise.all([reader, stopped].map((carrier) => carrier.subscribe(['news'])));
    pair.between.kill('SIGSTOP');

    for (let sequence = 0; sequence < 100; sequence++) {
      writer.publish('news', mebibyte);
      await turn();
    }

    await inbox.until(() => inbox.messages.length === 100);
    expect(hub.lost).toBeGreaterThan(50);
  });

  it('forgets the subscriptions of a process that is detached', async () => {
    const hub = new EmbeddedHub();
    const other = attached(hub);
    const link = localLink();
    const detach = hub.attach(link.hub);
    const gone = new EmbeddedCarrier(link.process);
    await Promise.all([gone.subscribe(['a', 'b']), gone.subscribePrefix('c'), other.subscribe(['fence'])]);
    const [inbox, fence] = [inboxOf(gone), inboxOf(other)];

    detach();
    for (const channel of ['a', 'b', 'c', 'fence']) other.publish(channel, Buffer.from('x'));

    await fence.fence('fence');
    expect(await other.subscribers('a')).toBe(0);
    expect(inbox.channels).toEqual([]);
  });

  it('sends a process one batch for what comes in a turn', async () => {
    const hub = new EmbeddedHub();
    const writer = attached(hub);
    const link = stuckLink();
    hub.attach(link.hub);
    link.say(['subscribe', 1, ['news']]);
    await writer.subscribers('news');
    const before = link.sent.length;

    for (let sequence = 0; sequence < 500; sequence++) writer.publish('news', Buffer.from(`${sequence}`));
    await writer.subscribers('news');
    await turn();

    expect(link.sent.slice(before).map(({ length }) => length)).toEqual([500]);
  });
});

describe('a process with the embedded carrier', () => {
  it('sends one batch for what it publishes in a turn', async () => {
    const link = deafLink();
    const carrier = new EmbeddedCarrier(link.process);

    for (let sequence = 0; sequence < 500; sequence++) carrier.publish('news', Buffer.from(`${sequence}`));
    await turn();

    expect(link.sent.map(({ length }) => length)).toEqual([500]);
  });

  it('drops and counts what the primary does not take', async () => {
    const link = deafLink();
    const carrier = new EmbeddedCarrier(link.process, 100_000);

    for (let sequence = 0; sequence < 1_000; sequence++) carrier.publish('news', Buffer.alloc(1_000));
    await turn();

    expect(link.sent.flat()).toHaveLength(1_000 - carrier.health.lost);
    expect(carrier.health.lost).toBeGreaterThan(900);
  });

  it('counts as lost what could not leave it', async () => {
    const failed = watchForUnhandled();
    const carrier = new EmbeddedCarrier(brokenLink());

    for (let sequence = 0; sequence < 10; sequence++) carrier.publish('news', Buffer.from('x'));
    await turn();
    await turn();

    expect(carrier.health.lost).toBe(10);
    await failed();
  });

  it('neither throws nor rejects when the channel to the primary is gone', async () => {
    const failed = watchForUnhandled();
    const pair = ipcPair();
    const carrier = attached(new EmbeddedHub(), pair);
    await carrier.subscribe(['news']);
    const gone = new Promise((resolve) => pair.between.once('exit', resolve));
    pair.between.kill('SIGKILL');
    carrier.publish('news', Buffer.from('x'));
    await gone;

    carrier.publish('news', Buffer.from('x'));
    void carrier.subscribe(['other']);
    carrier.unsubscribe(['news']);
    await turn();
    await carrier.close();

    expect(carrier.health.state).toBe('closed');
    await failed();
  });
});

interface LinkPair {
  readonly process: ProcessLink;
  readonly hub: HubLink;
}

/** A process's carrier, attached to the hub until the test ends. */
function attached(hub: EmbeddedHub, link: LinkPair = localLink()): EmbeddedCarrier {
  const detach = hub.attach(link.hub);
  const carrier = new EmbeddedCarrier(link.process);
  onTestFinished(async () => {
    await carrier.close();
    detach();
  });
  return carrier;
}

/** A process that takes whatever the hub sends, but does not read it before `read` is called. */
function stuckLink() {
  const sent: (readonly HubReply[])[] = [];
  const unread: (() => void)[] = [];
  let reading = false;
  const listeners = new Set<(batch: readonly HubRequest[]) => void>();
  const hub: HubLink = {
    send(batch, done) {
      sent.push(batch);
      if (reading) done(null);
      else unread.push(() => done(null));
    },
    listen(given) {
      listeners.add(given);
      return () => void listeners.delete(given);
    },
  };
  return {
    hub,
    sent,
    say(request: HubRequest) {
      for (const listener of listeners) listener([request]);
    },
    read() {
      reading = true;
      for (const done of unread.splice(0)) done();
    },
  };
}

/** The way to a primary that never reads. */
function deafLink() {
  const sent: (readonly HubRequest[])[] = [];
  const process: ProcessLink = { send: (batch) => void sent.push(batch), listen: () => () => {} };
  return { process, sent };
}

function brokenLink(): ProcessLink {
  return { send: (_batch, sent) => process.nextTick(sent, new Error('closed')), listen: () => () => {} };
}

function say(end: IpcEnd, payload: unknown): void {
  end.send!({ topic: 'carrier', payload }, undefined, undefined, () => {});
}
