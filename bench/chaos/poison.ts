import { Emitter } from '@socket.io/redis-emitter';
import { encode } from 'notepack.io';
import type { Random } from '../../test/support/random.js';

/** Nobody is in it, and no client listens to an event of that name: what arrives all the same does no harm. */
const nobody = 'poison';

/** A message that no server sends, or one that servers send with something broken in it. */
export function poisonOf(random: Random): Buffer {
  return random.below(3) === 0 ? random.pick(malformed) : mutated(random.pick(genuine), random);
}

/** Deeper than any stack. */
const depth = 20_000;

const repeated = (part: string, times: number): Buffer => Buffer.from(part.repeat(times), 'hex');

const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));

const malformed: readonly Buffer[] = [
  Buffer.alloc(0),
  Buffer.from([0]),
  Buffer.from([0xc1]),
  // Lists, maps, texts, binaries and extensions that say they are longer than anything.
  repeated('dd01ffffff', 1),
  repeated('dd01ffffff', 20),
  repeated('ddffffffff', 1),
  repeated('df7fffffff', 1),
  repeated('dbffffffff', 1),
  repeated('c6ffffffff', 1),
  repeated('c9ffffffff00', 1),
  repeated('91', depth),
  repeated('81a161', depth),
  Buffer.from('['.repeat(depth)),
  Buffer.from('{"a":'.repeat(depth)),
  Buffer.from('{'),
  Buffer.from('null'),
  Buffer.alloc(64 * 1024, 0x7b),
  // Whole messages of the wrong shape.
  ...[
    null,
    42,
    [],
    [1, 2, 3],
    ['x', null, null],
    ['x', { type: 2 }, { rooms: 5 }],
    ['x', { type: 2, data: null, nsp: '/' }, { rooms: [], except: [] }],
    ['x', { type: 2, data: [nobody], nsp: 7 }, { rooms: [nobody], except: [], flags: null }],
    ['x', { type: 2, data: [nobody], nsp: '/elsewhere' }, { rooms: [], except: [] }],
    ['x', { type: 99, data: [nobody], nsp: '/' }, { rooms: [], except: [], flags: {} }],
    // These would end every client's connection, or the server's namespace for it.
    ['x', { type: 1, data: [], nsp: '/' }, { rooms: [], except: [], flags: {} }],
    ['x', { type: 4, data: { message: nobody }, nsp: '/' }, { rooms: [], except: [], flags: {} }],
  ].map((message) => encode(message)),
  // Requests and answers of the wrong shape.
  ...[
    { uid: 'x', type: 99, requestId: 'x' },
    { uid: 'x', type: 2, opts: { rooms: null, except: null }, rooms: [null] },
    { uid: 'x', type: 3, opts: { rooms: [], except: [] }, rooms: 'abc' },
    { uid: 'x', type: 4, opts: { rooms: 'abc', except: {} }, close: true },
    { uid: 'x', type: 5, requestId: {}, opts: { rooms: [[]], except: [] } },
    { uid: 'x', type: 6, data: ['connection', null] },
    { uid: 'x', type: 6, data: ['error', nobody] },
    { uid: 'x', type: 6, data: nobody },
    { uid: 'x', type: 7, requestId: 'x', packet: null, opts: null },
    { uid: 'x', type: 9, requestId: 'x', packet: { type: 2, data: 5, nsp: '/' }, opts: { rooms: [], except: [] } },
    { requestId: 'x', sockets: [null, { id: {} }] },
    { requestId: '__proto__', rooms: 'abc', clientCount: 'many', numSub: -1, msgCount: {}, packet: 1e308 },
  ].map(json),
  Buffer.from('{"type":5,"requestId":"x","opts":{"__proto__":{"rooms":["a"]},"constructor":{"prototype":1}}}'),
];

/** As the official emitter and servers publish them. */
const genuine: readonly Buffer[] = [...fromEmitter(), ...fromServers()];

function fromEmitter(): Buffer[] {
  const published: Buffer[] = [];
  const publish = (_channel: string, message: Buffer | string): void => void published.push(Buffer.from(message));
  const emitter = new Emitter({ publish }, { key: nobody });
  emitter.to(nobody).emit(nobody, 'text', { deep: [1, -1, 2 ** 40, 0.5, null, true] });
  emitter
    .to([nobody, `${nobody}-2`])
    .except('somebody')
    .emit(nobody, Buffer.from('binary'), 'ü'.repeat(40));
  emitter.of('/notifications').to(nobody).compress(true).emit(nobody);
  emitter.in(nobody).socketsJoin('elsewhere');
  emitter.in(nobody).socketsLeave(['elsewhere']);
  emitter.in(nobody).disconnectSockets(true);
  emitter.serverSideEmit(nobody, 1, 'two');
  return published;
}

function fromServers(): Buffer[] {
  const opts = { rooms: [nobody], except: [] };
  const packet = { type: 2, data: [nobody, 1], nsp: '/' };
  return [
    { uid: 'abcdef', requestId: 'r1', type: 0, rooms: [nobody] },
    { uid: 'abcdef', requestId: 'r2', type: 1 },
    { uid: 'abcdef', requestId: 'r3', type: 5, opts },
    { uid: 'abcdef', requestId: 'r4', type: 6, data: [nobody, 1] },
    { uid: 'abcdef', requestId: 'r5', type: 7, packet, opts },
    { requestId: 'r1', sockets: ['a', 'b'] },
    { requestId: 'r3', sockets: [{ id: 'a', handshake: {}, rooms: ['a'], data: {} }] },
    { type: 8, requestId: 'r5', clientCount: 2 },
    { type: 9, requestId: 'r5', packet: ['answer'] },
    { type: 6, uid: 'abcdef', requestId: 'r4', data: [1] },
  ].map(json);
}

function mutated(message: Buffer, random: Random): Buffer {
  let bytes: Buffer = Buffer.from(message);
  for (let left = 1 + random.below(3); left > 0 && bytes.length > 0; left--) {
    bytes = random.pick(mutations)(bytes, random);
  }
  return bytes;
}

/** What a length, a type or a name turns into when it is broken. */
const telling = ['dd01ffffff', 'dfffffffff', 'c1', 'c0', 'd4', 'ff', '00', '7b', '5b', '22'].map((hex) =>
  Buffer.from(hex, 'hex'),
);

const mutations: readonly ((message: Buffer, random: Random) => Buffer)[] = [
  (message, random) => message.subarray(0, random.below(message.length)),
  (message, random) => {
    message[random.below(message.length)] = random.below(256);
    return message;
  },
  (message, random) => {
    const at = random.below(message.length);
    return Buffer.concat([message.subarray(0, at), random.pick(telling), message.subarray(at)]);
  },
  (message, random) => {
    const at = random.below(message.length);
    return Buffer.concat([message.subarray(0, at), message.subarray(at + 1 + random.below(8))]);
  },
  (message, random) => Buffer.concat([message, message.subarray(random.below(message.length))]),
];
