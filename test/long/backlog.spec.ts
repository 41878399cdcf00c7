import { describe, expect, it } from 'vitest';
import { firstOutOfOrder, pileUp } from '../support/backlog.js';

const messages = 1_000_000;

describe(`${messages} messages to a client that does not read`, () => {
  it('cost little more than their bytes, and are all there, in order, once it reads', async () => {
    const { clients, waiting, held, left } = await pileUp(1, { messages, perTurn: 100, size: 100 });

    process.stdout.write(`${held} bytes held for ${waiting} that wait, ${left} left afterwards\n`);
    expect(firstOutOfOrder(clients[0]!)).toBe(messages);
    expect(held).toBeLessThan(1.5 * waiting);
    expect(left).toBeLessThan(waiting / 10);
  });
});
