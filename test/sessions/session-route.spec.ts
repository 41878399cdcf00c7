import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { type Owner, SessionIds } from '../../src/sessions/session-id.js';
import { type Host, type Passed, routeOf } from '../../src/sessions/session-route.js';

const key = randomBytes(32);
const own: Owner = { host: '0000000001', slot: 1, fork: 1 };
const sibling: Owner = { host: '0000000001', slot: 2, fork: 2 };
const successor: Owner = { host: '0000000001', slot: 1, fork: 9 };
const reachable: Host = { tag: '0000000002', name: 'two', url: 'http://10.0.0.2:3000', key: randomBytes(32) };
const unreachable: Host = { tag: '0000000003', name: 'three', url: undefined, key: randomBytes(32) };
const hosts = [reachable, unreachable];

const idOf = (owner: Owner, sealedWith: Buffer = key): string => new SessionIds(owner, sealedWith).make();
const idAt = ({ tag, key: sealedWith }: Host): string => idOf({ host: tag, slot: 1, fork: 1 }, sealedWith);
const route = (id: string, passed: Passed = 'nobody') =>
  routeOf(id, own, key, passed, (tag) => hosts.find((host) => host.tag === tag));

describe('a request', () => {
  it.each([
    ['with no session id at all', 'x'],
    ['whose session was this worker’s own', idOf(own)],
    ['with an id that another key has sealed', idOf(sibling, randomBytes(32))],
    ['of a host that nobody has heard of', idOf({ host: '00000000ff', slot: 1, fork: 1 })],
    ['of another host, sealed by somebody else', idOf({ host: reachable.tag, slot: 1, fork: 1 })],
  ])('%s is answered here', (_, id) => {
    expect(route(id)).toEqual({ to: 'here' });
  });

  it('whose session another worker of this host has is brought to it', () => {
    expect(route(idOf(sibling))).toEqual({ to: 'sibling', owner: sibling });
  });

  it('whose session a worker of the same slot has is brought to that one', () => {
    expect(route(idOf(successor))).toEqual({ to: 'sibling', owner: successor });
  });

  it('whose session another host has is brought there', () => {
    expect(route(idAt(reachable))).toEqual({ to: 'host', host: reachable });
  });

  it('whose session a host has that says no way to it goes nowhere', () => {
    expect(route(idAt(unreachable))).toEqual({ to: 'nowhere', host: unreachable });
  });

  it('that another host has brought goes no further than to a worker of this one', () => {
    expect(route(idAt(reachable), 'another host')).toEqual({ to: 'here' });
    expect(route(idOf(sibling), 'another host')).toEqual({ to: 'sibling', owner: sibling });
  });

  it('that a worker of this host has brought goes no further', () => {
    for (const id of [idOf(sibling), idOf(successor), idAt(reachable)]) {
      expect(route(id, 'a sibling')).toEqual({ to: 'here' });
    }
  });
});
