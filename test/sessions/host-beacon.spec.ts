import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { HostBeacon } from '../../src/sessions/host-beacon.js';
import type { Host } from '../../src/sessions/session-route.js';
import { inboxOf } from '../support/inbox.js';
import { type Fleet, startFleet } from '../support/nodes.js';

const alpha: Host = { tag: '00000000aa', name: 'alpha', url: 'http://10.0.0.1:3000', key: Buffer.alloc(32, 1) };

describe('the beacon of a host', () => {
  it('says at once who the host is, and how it is reached', async () => {
    const { heard, light } = await listen();

    light(alpha);

    expect(await heard(1)).toEqual([{ ...alpha, type: 'here', key: alpha.key.toString('base64') }]);
  });

  it('leaves out how a host is reached that does not know', async () => {
    const { heard, light } = await listen();

    light({ ...alpha, url: undefined });

    expect(Object.keys((await heard(1))[0]!).toSorted()).toEqual(['key', 'name', 'tag', 'type']);
  });

  it('says it again every five seconds, until it is closed', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    onTestFinished(() => void vi.useRealTimers());
    const { heard, light } = await listen();
    const beacon = light(alpha);
    await heard(1);

    vi.advanceTimersByTime(4_999);
    expect(await heard(1)).toHaveLength(1);
    vi.advanceTimersByTime(5_001);
    expect(await heard(3)).toHaveLength(3);
    beacon.close();
    vi.advanceTimersByTime(60_000);

    expect(await heard(3)).toHaveLength(3);
  });

  it('answers who asks, and nobody once it is closed', async () => {
    const { heard, light, ask } = await listen();
    const beacon = light(alpha);
    await heard(1);

    ask('{"type":"who is there"}');
    expect(await heard(2)).toHaveLength(2);
    beacon.close();
    ask('{"type":"who is there"}');

    expect(await heard(2)).toHaveLength(2);
  });

  it.each([
    '',
    '{',
    'null',
    '{"type":"who"}',
    JSON.stringify({ type: 'here', tag: '00000000bb', name: 'beta', key: '' }),
    JSON.stringify({ type: 'who is there', more: 'm'.repeat(4_096) }),
  ])('says nothing to %.40j', async (message) => {
    const { heard, light, ask } = await listen();
    light(alpha);
    await heard(1);

    ask(message);

    expect(await heard(1)).toHaveLength(1);
  });
});

/** A place to light beacons, and an ear on another carrier. */
async function listen(fleet: Fleet = startFleet('embedded')) {
  const [carrier, ear] = [await fleet.openCarrier(), await fleet.openCarrier()];
  const inbox = inboxOf(ear);
  const channel = `${fleet.key}-hosts`;
  await ear.subscribe([channel, 'fence']);
  const announcements = () =>
    inbox
      .on(channel)
      .filter((text) => text.includes(alpha.tag))
      .map((text) => JSON.parse(text) as Record<string, unknown>);
  let fences = 0;
  return {
    light: (host: Host): HostBeacon => {
      const beacon = new HostBeacon(carrier, host, fleet.key);
      onTestFinished(() => beacon.close());
      return beacon;
    },
    ask: (message: string) => ear.publish(`${channel}-asked`, Buffer.from(message)),
    /** What it has said, once that is so much at least, and once the way back and forth has been gone. */
    heard: async (atLeast: number) => {
      await inbox.until(() => announcements().length >= atLeast);
      for (const through of [ear, carrier]) {
        through.publish('fence', Buffer.alloc(0));
        fences++;
        await inbox.until(() => inbox.on('fence').length === fences);
      }
      return announcements();
    },
  };
}
