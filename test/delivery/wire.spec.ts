import { Writable } from 'node:stream';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { Droppable } from '../../src/delivery/droppable.js';
import { Turn } from '../../src/delivery/turn.js';
import { Wire } from '../../src/delivery/wire.js';

describe('A wire', () => {
  it('writes once what it was given during a turn, in order', async () => {
    const { wire, writes } = wireTo();

    for (const text of ['a', 'b', 'c']) wire.push(Buffer.from(text));
    expect(writes).toEqual([]);
    await nextTurn();

    expect(writes).toEqual(['abc']);
  });

  it('writes in the turn in which it was given something, before the loop waits for more', async () => {
    const { wire, writes } = wireTo();
    const order: string[] = [];

    setImmediate(() => {
      wire.push(Buffer.from('a'));
      setImmediate(() => order.push(`next turn: ${writes.join()}`));
    });
    await nextTurn();
    await nextTurn();

    expect(order).toEqual(['next turn: a']);
  });

  it('gives the same buffer to all clients that got the same', async () => {
    const turn = new Turn();
    const wires = [1, 2, 3].map(() => wireTo(turn));

    for (const frame of [Buffer.from('a'), Buffer.from('b')]) for (const { wire } of wires) wire.push(frame);
    await nextTurn();

    expect(new Set(wires.map(({ chunks }) => chunks[0]))).toHaveLength(1);
  });

  it('begins anew in each turn', async () => {
    const { wire, writes } = wireTo();

    wire.push(Buffer.from('a'));
    await nextTurn();
    wire.push(Buffer.from('b'));
    await nextTurn();

    expect(writes).toEqual(['a', 'b']);
  });

  it('writes at once when a turn brings much, so that a long turn holds little', async () => {
    const { wire, writes } = wireTo();

    for (let count = 0; count < 100; count++) wire.push(Buffer.alloc(10_000, 'x'));

    expect(writes.join('').length).toBeGreaterThanOrEqual(1_000_000 - 70_000);
    await nextTurn();
    expect(writes.join('')).toHaveLength(1_000_000);
  });

  it('writes what it holds when it is asked to', () => {
    const { wire, writes } = wireTo();

    wire.push(Buffer.from('a'));
    wire.flush();

    expect(writes).toEqual(['a']);
  });

  it('says that a frame was sent when the socket has taken it', async () => {
    const { wire, writes } = wireTo();
    const told: string[] = [];

    wire.pushAndTell(Buffer.from('a'), () => told.push(`first: ${writes.join()}`));
    wire.pushAndTell(Buffer.from('b'), () => told.push('second'));
    expect(told).toEqual([]);
    await nextTurn();
    await nextTurn();

    expect(told).toEqual(['first: ab', 'second']);
  });

  it('writes nothing after its end', async () => {
    const { wire, writes } = wireTo();

    wire.push(Buffer.from('a'));
    wire.end();
    wire.push(Buffer.from('b'));
    await nextTurn();

    expect(writes).toEqual(['a']);
  });

  it('drops what comes too late for a connection that has ended', async () => {
    const { wire, writes, socket } = wireTo();

    wire.push(Buffer.from('a'));
    socket.destroy();
    await nextTurn();

    expect(writes).toEqual([]);
  });

  it('writes a long sequence to one client without copying it', async () => {
    const { wire, chunks } = wireTo();
    const frames = [Buffer.alloc(20_000), Buffer.alloc(20_000)];

    for (const frame of frames) wire.push(frame);
    await nextTurn();

    expect(chunks.map((chunk, index) => chunk === frames[index])).toEqual([true, true]);
  });
});

describe('A wire whose socket takes nothing', () => {
  const droppable: Droppable = { policy: 'drop-oldest', topic: 'any', sentAt: 0 };
  const large = Buffer.alloc(100_000, 'x');

  it('holds back what may be dropped, and what comes after it, until the socket has taken what it has', async () => {
    const { wire, writes, take } = stuckWire(large);

    wire.push(Buffer.from('a'), droppable);
    wire.flush();
    wire.push(Buffer.from('b'));
    wire.flush();
    wire.push(Buffer.from('c'), droppable);
    wire.flush();
    expect(wire.heldBytes).toBe(3);

    await take();
    expect(writes.slice(1).join('')).toBe('abc');
    expect(wire.heldBytes).toBe(0);
  });

  it('gives the socket at once what must not be dropped, while nothing is held back', () => {
    const { wire, socket } = stuckWire(large);

    wire.push(Buffer.from('a'));
    wire.flush();

    expect(wire.heldBytes).toBe(0);
    expect(socket.writableLength).toBe(large.length + 1);
  });

  it('says that a frame was sent once the socket has taken it, in its place among what was held back', async () => {
    const { wire, writes, take } = stuckWire(large);
    const told: string[] = [];

    wire.push(Buffer.from('a'), droppable);
    wire.pushAndTell(Buffer.from('b'), () => told.push(writes.slice(1).join('')));
    wire.flush();
    wire.heldBack!.drop(new Set([droppable]));
    expect(told).toEqual([]);

    await take();
    expect(told).toEqual(['b']);
  });

  it.each(['end', 'flushAll'] as const)('gives it all that it holds back on %s', async (ending) => {
    const { wire, writes, take } = stuckWire(large);

    wire.push(Buffer.from('a'), droppable);
    wire.flush();
    wire.push(Buffer.from('b'));
    wire[ending]();

    expect(wire.heldBytes).toBe(0);
    await take();
    expect(writes.slice(1).join('')).toBe('ab');
  });

  it('holds the same frames for all clients for which they wait', () => {
    const turn = new Turn();
    const wires = [1, 2].map(() => stuckWire(large, turn));
    const frames = [Buffer.from('a'), Buffer.from('b')];

    for (const frame of frames) for (const { wire } of wires) wire.push(frame, droppable);
    for (const { wire } of wires) wire.flush();

    const [held, others] = wires.map(({ wire }) => wire.heldBack!.waiting);
    expect(held!.map((waiting, index) => waiting === others![index])).toEqual([true, true]);
  });

  it('tells its keeper of each client for which bytes wait, and of no other', () => {
    const [stuck, free] = [stuckWire(large), wireTo()];
    const told: string[] = [];
    const keeper = { isBehind: (client: string) => void told.push(client) };
    stuck.wire.belongTo('stuck', keeper);
    free.wire.belongTo('free', keeper);

    for (const { wire } of [stuck, free]) {
      wire.push(Buffer.alloc(20_000));
      wire.flush();
    }

    expect(told).toEqual(['stuck']);
  });
});

/** A wire whose socket has been given something, and takes it when it is told to. */
function stuckWire(first: Buffer, turn = new Turn()) {
  const writes: string[] = [];
  let isTaking = false;
  let taken: (() => void) | undefined;
  const socket = new Writable({
    writev(chunks, done) {
      writes.push(chunks.map(({ chunk }) => String(chunk)).join(''));
      if (isTaking) done();
      else taken = done;
    },
  });
  const wire = new Wire(socket, turn);
  wire.push(first);
  const take = async (): Promise<void> => {
    isTaking = true;
    taken!();
    await nextTurn();
    await nextTurn();
  };
  return { wire, socket, writes, take };
}

function wireTo(turn = new Turn()) {
  const chunks: Buffer[] = [];
  const writes: string[] = [];
  const socket = new Writable({
    write(chunk: Buffer, _encoding, done) {
      chunks.push(chunk);
      writes.push(String(chunk));
      done();
    },
  });
  return { wire: new Wire(socket, turn), socket, chunks, writes };
}
