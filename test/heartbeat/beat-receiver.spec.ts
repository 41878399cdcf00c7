import { describe, expect, it, onTestFinished } from 'vitest';
import type { Heartbeat } from '../../src/events.js';
import type { FencedMessage } from '../../src/fenced-message.js';
import type { Beat } from '../../src/heartbeat/beat.js';
import { BeatReceiver } from '../../src/heartbeat/beat-receiver.js';
import { BeatRelay } from '../../src/heartbeat/beat-relay.js';
import { eventually } from '../support/eventually.js';
import { ipcPair } from '../support/ipc-pair.js';

const intervalMs = 500;
const sentAt = 1_700_000_000_000;
const beat = (counter: number, sequence: number): Beat => ({ term: { counter, holder: 'a' }, sequence, sentAt });
const emitted = (counter: number, sequence: number, stream = `heartbeat-${intervalMs}`): FencedMessage => ({
  fencing: { stream, term: { counter, holder: 'a' }, sequence },
  event: 'heartbeat',
  args: [{ sequence, sentAt }],
});

describe('who receives beats', () => {
  it('gives them to the clients of each of its servers, in the contract’s form', () => {
    const { receiver, servers } = start(2);

    receiver.hear('/', emitted(1, 5));

    expect(servers).toEqual([[{ sequence: 5, sentAt }], [{ sequence: 5, sentAt }]]);
  });

  it('gives each once, whichever way it comes first', () => {
    const { receiver, servers } = start();

    receiver.take(beat(1, 5));
    receiver.hear('/', emitted(1, 5));
    receiver.hear('/', emitted(1, 6));
    receiver.take(beat(1, 6));

    expect(servers[0]!.map(({ sequence }) => sequence)).toEqual([5, 6]);
  });

  it('gives none of a leader that has been followed by another', () => {
    const { receiver, servers } = start();

    receiver.hear('/', emitted(2, 5));
    receiver.hear('/', emitted(1, 6));
    receiver.take(beat(1, 7));

    expect(servers[0]!.map(({ sequence }) => sequence)).toEqual([5]);
  });

  it('passes over what is no beat of its own interval and namespace', () => {
    const { receiver, servers } = start();

    receiver.hear('/', emitted(1, 9_000, 'heartbeat-1000'));
    receiver.hear('/chat', emitted(1, 9_001));
    receiver.hear('/', { ...emitted(1, 9_002), event: 'said' });
    receiver.hear('/', { ...emitted(1, 9_003), args: ['soon'] });
    receiver.hear('/', emitted(1, 5));

    expect(servers[0]!.map(({ sequence }) => sequence)).toEqual([5]);
  });

  it('believes no beat from far ahead, and no term that no fleet can have reached', () => {
    const { receiver, servers } = start();
    const now = Math.floor(Date.now() / intervalMs);

    receiver.hear('/', emitted(3, now));
    receiver.hear('/', emitted(3, now + 3_600_000));
    receiver.hear('/', emitted(2 ** 40, now + 1));
    receiver.hear('/', emitted(3, now + 1));

    expect(servers[0]!.map(({ sequence }) => sequence)).toEqual([now, now + 1]);
  });

  it('tells the primary of the newest term, so that a leader in an older one gets a newer one', async () => {
    const { primary, worker } = ipcPair().ends;
    const relay = new BeatRelay();
    relay.attach(primary);
    const { receiver } = start();
    receiver.follow(worker);

    receiver.hear('/', emitted(40, 5));

    expect(
      await eventually(
        () => relay.newestTerm.counter,
        (counter) => counter > 0,
      ),
    ).toBe(40);
  });

  it('takes them from the primary of its host too, and tells it how many were refused', async () => {
    const { primary, worker } = ipcPair().ends;
    const relay = new BeatRelay();
    const detach = relay.attach(primary);
    const { receiver, servers } = start();
    receiver.follow(worker);

    for (const sent of [beat(2, 5), beat(1, 6), beat(1, 7), beat(2, 6)]) relay.send(sent);
    await eventually(
      () => relay.refused,
      (refused) => refused > 0,
    );

    expect(servers[0]!.map(({ sequence }) => sequence)).toEqual([5, 6]);
    expect(relay.refused).toBe(2);
    detach();
    expect(relay.refused).toBe(2);
  });

  it('is silent once it is closed', async () => {
    const { primary, worker } = ipcPair().ends;
    const relay = new BeatRelay();
    relay.attach(primary);
    const [closed, open] = [start(), start()];
    for (const { receiver } of [closed, open]) receiver.follow(worker);

    closed.receiver.close();
    relay.send(beat(1, 5));
    await eventually(
      () => open.servers[0]!.length,
      (told) => told > 0,
    );

    expect(closed.servers).toEqual([[]]);
  });
});

function start(serverCount = 1) {
  const receiver = new BeatReceiver(intervalMs);
  onTestFinished(() => receiver.close());
  const servers = Array.from({ length: serverCount }, () => {
    const told: Heartbeat[] = [];
    receiver.attach({ local: { emit: (_, heartbeat) => told.push(heartbeat) } });
    return told;
  });
  return { receiver, servers };
}
