import { describe, expect, it } from 'vitest';
import type { Droppable } from '../../src/delivery/droppable.js';
import { EngineQueue, type QueuedPacket } from '../../src/delivery/engine-queue.js';

const droppable: Droppable = { policy: 'drop-oldest', topic: 'any', sentAt: 1 };

describe('Engine.IO’s queue', () => {
  it('has the bytes of its packets, text and binary, however often it is looked at', () => {
    const { queue, packets } = queueOf({ data: 'añb' }, { data: Buffer.alloc(100) }, {});
    packets.push({ data: new Uint8Array(10) });
    queue.look(packets, 2);
    queue.look(packets, 3);

    expect(queue.bytes).toBe(4 + 100 + 10);
    expect(queue.largest).toBe(100);
  });

  it('waits since its first packet came, until a transport has taken it', () => {
    const { queue, packets } = queueOf({ data: 'a' });
    packets.push({ data: 'b' });
    queue.look(packets, 2);
    expect(queue.since).toBe(1);

    queue.look([], 3);
    expect(queue.since).toBeUndefined();
    queue.look([{ data: 'c' }], 4);
    expect(queue.since).toBe(4);
  });

  it('loses the messages that are dropped, and goes on waiting', () => {
    const { queue, packets } = queueOf({ data: 'a' }, { data: 'bc', options: { droppable } }, { data: 'd' });

    queue.drop(new Set([droppable]));

    expect(packets).toEqual([{ data: 'a' }, { data: 'd' }]);
    expect(queue.bytes).toBe(2);
    expect(queue.since).toBe(1);
  });
});

function queueOf(...packets: QueuedPacket[]) {
  const queue = new EngineQueue();
  queue.look(packets, 1);
  return { queue, packets };
}
