import { createRequire } from 'node:module';
import type { Random } from './random.js';

const { encode } = createRequire(import.meta.url)('notepack.io') as { encode: (value: unknown) => Buffer };

export interface Message {
  readonly channel: string;
  readonly bytes: Buffer;
  /** Whether nobody can make anything of it, whatever channel it comes on. */
  readonly isBroken?: boolean;
}

/** Turns real messages into such as no server sends, by what is wrong with them. */
const mutations: Readonly<Record<string, (message: Message, random: Random) => Message>> = {
  'cut short': ({ channel, bytes }, random) => {
    const rest = bytes.subarray(0, random.below(bytes.length + 1));
    return { channel, bytes: rest, isBroken: rest.length < bytes.length };
  },
  'bytes changed': ({ channel, bytes }, random) => {
    const copy = Buffer.from(bytes);
    for (let changes = 1 + random.below(4); changes > 0 && copy.length > 0; changes--) {
      copy[random.below(copy.length)] = random.below(256);
    }
    return { channel, bytes: copy };
  },
  'bytes put in': ({ channel, bytes }, random) => {
    const at = random.below(bytes.length + 1);
    const inserted = Buffer.from(Array.from({ length: 1 + random.below(8) }, () => random.below(256)));
    return { channel, bytes: Buffer.concat([bytes.subarray(0, at), inserted, bytes.subarray(at)]) };
  },
  'huge lengths': ({ channel, bytes }, random) => {
    const huge = Buffer.from(
      random.pick(['dd01ffffff', 'dfffffffff', 'c6ffffffff', 'dbffffffff', 'c9ffffffff00']),
      'hex',
    );
    const at = random.below(bytes.length + 1);
    const many = Buffer.concat(Array.from({ length: 1 + random.below(20) }, () => huge));
    return { channel, bytes: Buffer.concat([bytes.subarray(0, at), many, bytes.subarray(at)]) };
  },
  'deep nesting': ({ channel }, random) => {
    const depth = 1 + random.below(5_000);
    const forms = [Buffer.alloc(depth, 0x91), Buffer.from('['.repeat(depth)), Buffer.from('{"type":'.repeat(depth))];
    return { channel, bytes: Buffer.concat([random.pick(forms), Buffer.from([0xc0])]), isBroken: true };
  },
  'prototype keys': ({ channel, bytes }, random) => {
    const key = random.pick(['__proto__', 'constructor', 'prototype', 'toString']);
    const evil = { polluted: true, rooms: [], except: [], flags: {}, toString: null };
    if (bytes[0] === 0x7b) {
      return { channel, bytes: Buffer.from(`{"${key}":${JSON.stringify(evil)},${bytes.toString().slice(1)}`) };
    }
    const value = random.pick([
      { own: JSON.parse(`{"${key}":{"polluted":true}}`) as unknown },
      { type: 2, [key]: evil },
    ]);
    return { channel, bytes: encode(['another', { type: 2, nsp: '/', data: ['said', value] }, withKey(key, evil)]) };
  },
  'wrong types': ({ channel }, random) => {
    const wrong = (): unknown =>
      random.pick<unknown>([null, 7, -1, 'text', [], {}, [[]], { toString: null }, true, Buffer.alloc(3), [null, {}]]);
    const packet = {
      type: random.pick<unknown>([2, 2, 0, 5, wrong()]),
      nsp: '/',
      data: random.pick([['said'], wrong()]),
    };
    const opts = { rooms: random.pick([[], wrong()]), except: random.pick([[], wrong()]), flags: wrong() };
    const request = {
      type: random.pick([0, 1, 2, 3, 5, 6, 7, 8, 9, 10]),
      requestId: wrong(),
      opts,
      rooms: wrong(),
      data: wrong(),
      sid: wrong(),
      packet,
    };
    const broadcast = encode([
      'another',
      random.pick<unknown>([packet, wrong()]),
      random.pick<unknown>([opts, wrong()]),
    ]);
    return { channel, bytes: random.pick([broadcast, encode(request), Buffer.from(JSON.stringify(request))]) };
  },
  'wrong namespaces': ({ channel }, random) => {
    const nsp = random.pick<unknown>(['/other', '', '/'.repeat(1_000), 7, null, {}]);
    return {
      channel,
      bytes: encode(['another', { type: 2, nsp, data: ['said', 'elsewhere'] }, { rooms: [], except: [] }]),
    };
  },
  'on another channel': ({ bytes }, random) => ({
    channel: '',
    bytes: random.below(2) ? bytes : Buffer.concat([bytes, bytes]),
  }),
};

/** A mutation of one of the messages, on its channel or on one of the others; the same for the same numbers. */
export function mutate(messages: readonly Message[], channels: readonly string[], random: Random): Message {
  const mutation = random.pick(Object.values(mutations));
  const mutated = mutation(random.pick(messages), random);
  return { ...mutated, channel: mutated.channel || random.pick(channels) };
}

function withKey(key: string, value: unknown): object {
  return Object.defineProperty({ rooms: [], except: [], flags: {} }, key, { value, enumerable: true });
}
