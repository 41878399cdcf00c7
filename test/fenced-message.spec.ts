import { Emitter } from '@socket.io/redis-emitter';
import { decode, encode } from 'notepack.io';
import { describe, expect, it } from 'vitest';
import { fencedEncoder, type Fencing, isFenced, readFenced } from '../src/fenced-message.js';

const fencing: Fencing = { stream: 'prices', term: { counter: 3, holder: 'host-1:7' }, sequence: 42 };

describe('a fenced message', () => {
  it('says its term and sequence beside its event and arguments', () => {
    const message = emitted(fencing, 'sold', 'a book', { price: 7 });

    expect(isFenced(message)).toBe(true);
    expect(readFenced(message)).toEqual({ fencing, event: 'sold', args: ['a book', { price: 7 }] });
  });

  it('is to official receivers what any other message of the emitter is, with one flag more', () => {
    const [, packet, { flags, ...opts }] = decode(emitted(fencing, 'sold', 7)) as [string, object, { flags: object }];
    const [, plainPacket, { flags: plainFlags, ...plainOpts }] = decode(emitted(undefined, 'sold', 7)) as [
      string,
      object,
      { flags: object },
    ];

    expect(packet).toEqual(plainPacket);
    expect(opts).toEqual(plainOpts);
    expect(flags).toEqual({ ...plainFlags, fencing });
  });

  it('is told from all others by its first bytes', () => {
    expect(isFenced(emitted(undefined, 'sold', 7))).toBe(false);
    expect(isFenced(encode(['abcdef', { data: ['fenced-emitter'] }, {}]))).toBe(false);
    expect(isFenced(Buffer.alloc(0))).toBe(false);
  });

  it.each([
    ['has no fencing', { flags: {} }],
    ['has no flags', {}],
    ['counts backwards', { flags: { fencing: { ...fencing, sequence: -1 } } }],
    ['counts in parts', { flags: { fencing: { ...fencing, sequence: 1.5 } } }],
    ['has a term without a holder', { flags: { fencing: { ...fencing, term: { counter: 1 } } } }],
  ])('is none where it %s', (_, opts) => {
    expect(readFenced(encode(['fenced-emitter', { type: 2, data: ['sold'], nsp: '/' }, opts]))).toBeUndefined();
  });

  it.each([
    ['cut off', (message: Buffer) => message.subarray(0, -5)],
    ['of another kind', () => encode(['fenced-emitter', null, null])],
    ['without an event', () => encode(['fenced-emitter', { data: [7] }, { flags: { fencing } }])],
    ['longer than any beat', () => emitted(fencing, 'sold', 'x'.repeat(20_000))],
  ])('is none where it is %s', (_, change) => {
    expect(readFenced(change(emitted(fencing, 'sold', 7)))).toBeUndefined();
  });
});

function emitted(fenced: Fencing | undefined, event: string, ...args: unknown[]): Buffer {
  const sent: Buffer[] = [];
  const client = { publish: (_channel: string, message: Buffer) => sent.push(message) };
  new Emitter(client, fenced ? { parser: fencedEncoder(fenced) } : {}).emit(event, ...args);
  return sent[0]!;
}
