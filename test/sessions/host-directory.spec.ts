import { describe, expect, it, onTestFinished, vi } from 'vitest';
import type { Carrier, CarrierHealth } from '../../src/carrier.js';
import { HostBeacon } from '../../src/sessions/host-beacon.js';
import { HostDirectory } from '../../src/sessions/host-directory.js';
import type { Host } from '../../src/sessions/session-route.js';
import { eventually } from '../support/eventually.js';
import { HeldCarrier } from '../support/held-carrier.js';
import { inboxOf } from '../support/inbox.js';
import { type Fleet, startFleet } from '../support/nodes.js';

const beta: Host = { tag: '00000000bb', name: 'beta', url: 'http://10.0.0.2:3000', key: Buffer.alloc(32, 2) };
const here = {
  type: 'here',
  tag: beta.tag,
  name: beta.name,
  url: beta.url,
  key: beta.key.toString('base64'),
} as const;

describe('the directory of hosts', () => {
  it('knows every host that announced itself before, as soon as it is open', async () => {
    const fleet = startFleet('embedded');
    const hosts = Array.from({ length: 20 }, (_, index) => ({ ...beta, tag: `00000000${index + 10}` }));
    for (const host of hosts) await announce(fleet, host);

    const directory = new HostDirectory(await fleet.openCarrier(), ownTag, fleet.key);
    onTestFinished(() => directory.close());
    await directory.open();

    expect(hosts.map(({ tag }) => directory.find(tag))).toEqual(hosts);
  });

  it('is open within a second although a host does not answer, and without a wait where nobody is asked', async () => {
    const fleet = startFleet('embedded');
    const silent = await fleet.openCarrier();
    await silent.subscribe([`${fleet.key}-hosts-asked`]);

    await openDirectory(fleet);
    const started = performance.now();
    await openDirectory();

    expect(performance.now() - started).toBeLessThan(900);
  });

  it('is open at once while the carrier is away, and asks when it is back', async () => {
    const fleet = startFleet('embedded');
    const carrier = new HeldCarrier(await fleet.openCarrier());
    const away = withHealth(carrier, () => ({ state: 'away', lost: 0 }));
    const directory = new HostDirectory(away, ownTag, fleet.key);
    onTestFinished(() => directory.close());
    carrier.hold();
    await announce(fleet, beta);

    await directory.open();
    expect(directory.find(beta.tag)).toBeUndefined();
    carrier.release();

    await eventually(
      () => directory.find(beta.tag),
      (found) => found !== undefined,
    );
  });

  it('knows a host that comes later, and what it says anew', async () => {
    const fleet = startFleet('embedded');
    const { directory, until } = await openDirectory(fleet);
    expect(directory.find(beta.tag)).toBeUndefined();

    await announce(fleet, beta);
    await until(() => directory.find(beta.tag) !== undefined);
    await announce(fleet, { ...beta, url: undefined });
    await until(() => directory.find(beta.tag)?.url === undefined);

    expect(directory.find(beta.tag)).toEqual({ ...beta, url: undefined });
  });

  it('does not count its own host as another', async () => {
    const { directory, say } = await openDirectory();

    await say(JSON.stringify({ ...here, tag: ownTag }));

    expect(directory.find(ownTag)).toBeUndefined();
  });

  it('does not hear the hosts of another fleet on the same carrier', async () => {
    const fleet = startFleet('embedded');
    const { directory, say } = await openDirectory(fleet);

    await announce({ ...fleet, key: `${fleet.key}-other` }, beta);
    await say('the end');

    expect(directory.find(beta.tag)).toBeUndefined();
  });

  it('forgets a host when it is told to, and knows it again when it hears of it', async () => {
    const { directory, say } = await openDirectory();
    await say(JSON.stringify(here));

    directory.forget(beta);
    expect(directory.find(beta.tag)).toBeUndefined();
    await say(JSON.stringify(here));

    expect(directory.find(beta.tag)).toEqual(beta);
  });

  it.each([
    ['no JSON', '{"type":'],
    ['nothing', ''],
    ['null', 'null'],
    ['of another type', JSON.stringify({ ...here, type: 'gone' })],
    ['without a tag', JSON.stringify({ ...here, tag: undefined })],
    ['of a tag that is none', JSON.stringify({ ...here, tag: '../../../' })],
    ['of the tag __proto__', JSON.stringify({ ...here, tag: '__proto__' })],
    ['of an address that is none', JSON.stringify({ ...here, url: 'nowhere' })],
    ['of an address that is no HTTP', JSON.stringify({ ...here, url: 'file:///etc/passwd' })],
    ['of a key that is no base64', JSON.stringify({ ...here, key: '***' })],
    ['with a long name', JSON.stringify({ ...here, name: 'b'.repeat(256) })],
    ['with a long key', JSON.stringify({ ...here, key: 'AAAA'.repeat(33) })],
    ['above the limit', JSON.stringify({ ...here, more: 'm'.repeat(4_096) })],
  ])('ignores a message that is %s', async (_what, message) => {
    const { directory, say } = await openDirectory();

    await say(message);

    expect([beta.tag, '__proto__', '../../../'].map((tag) => directory.find(tag))).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
  });

  it('knows a thousand hosts and no more, and goes on hearing those', async () => {
    const { directory, say } = await openDirectory();
    const tags = Array.from({ length: 1_001 }, (_, index) => (0xf000000000 + index).toString(16));

    for (const tag of tags) await say(JSON.stringify({ ...here, tag }));
    await say(JSON.stringify({ ...here, tag: tags[0], name: 'renamed' }));

    expect(tags.filter((tag) => directory.find(tag) !== undefined)).toEqual(tags.slice(0, 1_000));
    expect(directory.find(tags[0]!)?.name).toBe('renamed');
  });

  it('forgets a host that has been silent for more than three announcements', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] });
    onTestFinished(() => void vi.useRealTimers());
    const { directory, say } = await openDirectory();
    await say(JSON.stringify(here));

    vi.advanceTimersByTime(15_000);
    expect(directory.find(beta.tag)).toBeDefined();
    vi.advanceTimersByTime(5_000);

    expect(directory.find(beta.tag)).toBeUndefined();
  });

  it('keeps a host that goes on announcing itself', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] });
    onTestFinished(() => void vi.useRealTimers());
    const { directory, say } = await openDirectory();

    for (let round = 0; round < 10; round++) {
      await say(JSON.stringify(here));
      vi.advanceTimersByTime(5_000);
    }

    expect(directory.find(beta.tag)).toBeDefined();
  });

  it('keeps everybody while the carrier is away, and counts the silence from its return', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] });
    onTestFinished(() => void vi.useRealTimers());
    const { directory, say, become } = await openDirectory();
    await say(JSON.stringify(here));

    become('away');
    vi.advanceTimersByTime(3_600_000);
    become('connected');
    vi.advanceTimersByTime(15_000);
    expect(directory.find(beta.tag)).toBeDefined();
    vi.advanceTimersByTime(5_000);

    expect(directory.find(beta.tag)).toBeUndefined();
  });

  it('hears nothing once it is closed', async () => {
    const { directory, say } = await openDirectory();

    directory.close();
    await say(JSON.stringify(here));

    expect(directory.find(beta.tag)).toBeUndefined();
  });
});

const ownTag = '00000000aa';

/** A directory on a carrier of its own, and a voice on its channel. */
async function openDirectory(fleet: Fleet = startFleet('embedded')) {
  const [carrier, voice] = [await fleet.openCarrier(), await fleet.openCarrier()];
  let state: CarrierHealth['state'] | undefined;
  const seen = withHealth(carrier, () => ({ ...carrier.health, ...(state && { state }) }));
  const directory = new HostDirectory(seen, ownTag, fleet.key);
  onTestFinished(() => directory.close());
  const inbox = inboxOf(carrier);
  await directory.open();
  const channel = `${fleet.key}-hosts`;
  // The directory stops listening when it closes; the test does not.
  await carrier.subscribe([channel, 'fence']);
  let fences = 0;
  const say = async (message: string): Promise<void> => {
    voice.publish(channel, Buffer.from(message));
    voice.publish('fence', Buffer.alloc(0));
    fences++;
    await inbox.until(() => inbox.on('fence').length === fences);
  };
  const until = (holds: () => boolean): Promise<void> => inbox.until(holds);
  return { directory, say, until, become: (now: CarrierHealth['state']) => void (state = now) };
}

/** The same carrier in another state. */
function withHealth(carrier: Carrier, health: () => CarrierHealth): Carrier {
  return new Proxy(carrier, {
    get: (target, name) => {
      if (name === 'health') return health();
      const value = Reflect.get(target, name, target) as unknown;
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}

async function announce(fleet: Fleet, host: Host): Promise<void> {
  const beacon = new HostBeacon(await fleet.openCarrier(), host, fleet.key);
  onTestFinished(() => beacon.close());
}
