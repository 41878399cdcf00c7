import { randomBytes } from 'node:crypto';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isGenuine, newHostTag, type Owner, ownerOf, SessionIds } from '../../src/sessions/session-id.js';

const key = randomBytes(32);
const owner: Owner = { host: 'a1b2c3d4e5', slot: 3, fork: 12 };

describe('a session id', () => {
  it('says which worker of which host owns the session', () => {
    fc.assert(
      fc.property(
        fc.stringMatching(/^[0-9a-f]{10}$/),
        fc.integer({ min: 1, max: 65_535 }),
        fc.integer({ min: 1, max: 2 ** 32 - 1 }),
        (host, slot, fork) => {
          expect(ownerOf(new SessionIds({ host, slot, fork }, key).make())).toEqual({ host, slot, fork });
        },
      ),
    );
  });

  it('is made of characters that need no escaping in a URL, a cookie or a room name', () => {
    expect(new SessionIds(owner, key).make()).toMatch(/^[\w-]{44}$/);
  });

  it('differs from every other in 128 bits of chance', () => {
    const ids = new SessionIds(owner, key);
    const random = Array.from({ length: 2_000 }, () => Buffer.from(ids.make(), 'base64url').subarray(11, 27));

    expect(new Set(random.map((bytes) => bytes.toString('hex'))).size).toBe(2_000);
    for (let bit = 0; bit < 128; bit++) {
      const set = random.filter((bytes) => (bytes[bit >> 3]! >> (bit & 7)) & 1).length;
      // Ten standard deviations around a half.
      expect(Math.abs(set - 1_000), `ids with bit ${bit} set`).toBeLessThan(224);
    }
  });

  it('begins with a tag that each run of a host chooses anew', () => {
    expect(new Set(Array.from({ length: 1_000 }, newHostTag)).size).toBe(1_000);
  });

  it('is genuine for the host that has made it, and for no other', () => {
    const id = new SessionIds(owner, key).make();

    expect(isGenuine(id, key)).toBe(true);
    expect(isGenuine(id, randomBytes(32))).toBe(false);
  });

  it('is not genuine once a single bit has changed', () => {
    const bytes = Buffer.from(new SessionIds(owner, key).make(), 'base64url');

    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const forged = Buffer.from(bytes);
      forged[bit >> 3]! ^= 1 << (bit & 7);
      expect(isGenuine(forged.toString('base64url'), key), `bit ${bit}`).toBe(false);
    }
  });
});

describe('what is no session id', () => {
  const id = new SessionIds(owner, key).make();

  it.each([
    ['nothing', ''],
    ['an id of Socket.IO itself', 'lv_VI97HAXpY6yYWAAAC'],
    ['a truncated id', id.slice(0, -1)],
    ['an id with something behind it', `${id}A`],
    ['a path', '../'.repeat(14) + 'ab'],
    ['a path of the right length', `../${id.slice(3)}`],
    ['a slot of 10^9 in plain text', 'host-1000000000-1'],
    ['10 KB', 'A'.repeat(10_240)],
    ['base64 that is not for URLs', `${id.slice(0, 43)}/`],
    ['a name of an object’s own', '__proto__'],
    ['a line break at the end', `${id.slice(0, 43)}\n`],
  ])('names no owner: %s', (_, text) => {
    expect(ownerOf(text)).toBeUndefined();
  });
});
