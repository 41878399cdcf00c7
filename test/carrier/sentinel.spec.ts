import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, inject, it, onTestFinished } from 'vitest';
import type { RedisCarrier } from '../../src/carrier/redis.carrier.js';
import { eventually } from '../support/eventually.js';
import { type Inbox, inboxOf } from '../support/inbox.js';
import { administrator, connected } from '../support/redis-carriers.js';
import { type SentinelTrio, startSentinelTrio } from '../support/redis-sentinel.js';
import { watchForUnhandled } from '../support/rejections.js';
import { describeCarrier } from './carrier.contract.js';

let trio: SentinelTrio;

beforeAll(async () => {
  trio = await startSentinelTrio(inject('redisServer'));
});

afterAll(() => trio.stop());

describeCarrier('Redis (by Sentinel)', (count) =>
  Promise.all(Array.from({ length: count }, () => connected({ url: trio.url }))),
);

describe('a sentinel that is silent', () => {
  it('is passed over, though it takes the connection', async () => {
    const taken = new Set<Socket>();
    const silent = createServer((socket) => void taken.add(socket.on('error', () => {}))).listen(0, '127.0.0.1');
    await once(silent, 'listening');
    onTestFinished(() => {
      silent.close();
      for (const socket of taken) socket.destroy();
    });
    const { port } = silent.address() as AddressInfo;

    const carrier = await connected({ url: trio.url.replace('://', `://127.0.0.1:${port},`) });

    expect(carrier.health.state).toBe('connected');
    expect(taken.size).toBeGreaterThan(0);
  });
});

describe('a primary that Sentinel replaces', () => {
  it('is left by every subscription and publisher when it was killed, also where it comes back', async () => {
    const failed = watchForUnhandled();
    const [reader, writer] = [await connected({ url: trio.url }), await connected({ url: trio.url })];
    const inbox = inboxOf(reader);
    await Promise.all([reader.subscribe(['news', 'left']), reader.subscribePrefix('pre')]);
    const killed = await trio.primaryPort();

    await trio.server(killed).stop();
    await eventually(
      () => reader.health.state,
      (state) => state === 'away',
    );
    const meanwhile = reader.subscribe(['meanwhile']);
    reader.unsubscribe(['left']);
    await Promise.all([reader.connect(30_000), writer.connect(30_000), meanwhile]);
    await trio.restart(killed);

    const current = await trio.primaryPort();
    expect(current).not.toBe(killed);
    for (const channel of ['left', 'news', 'prefix', 'meanwhile']) writer.publish(channel, Buffer.from('x'));
    await inbox.fence('meanwhile');
    expect(inbox.channels).toEqual(['news', 'prefix', 'meanwhile']);
    await isReplica(killed);
    expect(await subscribersAt(killed)).toBe(0);
    expect(await subscribersAt(current)).toBe(1);
    await failed();
  });

  it('is left when it only froze, whose connections stay open', async () => {
    const [reader, writer] = [await connected({ url: trio.url }), await connected({ url: trio.url })];
    const inbox = inboxOf(reader);
    await reader.subscribe(['news']);
    const frozen = await trio.primaryPort();
    const { process } = trio.server(frozen);
    onTestFinished(() => void process.kill('SIGCONT'));

    process.kill('SIGSTOP');
    await eventually(trio.primaryPort, (port) => port !== frozen);

    // Before the old one runs again, which would end its connections itself.
    await flowing(writer, 'news', inbox);
    process.kill('SIGCONT');
    await isReplica(frozen);
    expect(await subscribersAt(frozen)).toBe(0);
  });

  it('is left when it hands over alive', async () => {
    const [reader, writer] = [await connected({ url: trio.url }), await connected({ url: trio.url })];
    const inbox = inboxOf(reader);
    await reader.subscribe(['news']);
    const before = await trio.primaryPort();

    await eventually(
      () => trio.sentinels[0]!.call('SENTINEL', 'FAILOVER', 'fleet').catch(String),
      (answer) => answer === 'OK',
    );
    await eventually(trio.primaryPort, (port) => port !== before);

    await flowing(writer, 'news', inbox);
    await isReplica(before);
    await eventually(
      async () => Promise.all([before, await trio.primaryPort()].map(subscribersAt)),
      ([old, current]) => old === 0 && current === 1,
    );
    expect(reader.address).toMatch(/^fleet \(by Sentinel at 127\.0\.0\.1:\d+, /);
  });
});

/** Publishes until somebody hears what was published after the call. */
async function flowing(writer: RedisCarrier, channel: string, inbox: Inbox): Promise<void> {
  const mark = `flowing ${performance.now()}`;
  await eventually(
    () => {
      writer.publish(channel, Buffer.from(mark));
      return inbox.on(channel).includes(mark);
    },
    (flows) => flows,
  );
}

async function subscribersAt(port: number): Promise<number> {
  const [, count] = (await administrator(`redis://127.0.0.1:${port}`).pubsub('NUMSUB', 'news')) as [string, number];
  return count;
}

async function isReplica(port: number): Promise<void> {
  const client = administrator(`redis://127.0.0.1:${port}`);
  await eventually(
    () => client.info('replication'),
    (info) => info.includes('role:slave') && info.includes('master_link_status:up'),
  );
}
