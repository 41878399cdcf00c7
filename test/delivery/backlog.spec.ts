import { describe, expect, it } from 'vitest';
import { pileUp } from '../support/backlog.js';

describe('what waits for a client that does not read', () => {
  it.each([100, 16])('costs little more than its bytes when it comes %i messages at a time', async (perTurn) => {
    const { waiting, held } = await pileUp(1, { messages: 200_000, perTurn, size: 100 });

    process.stdout.write(`${perTurn} at a time: ${held} bytes for ${waiting} that wait\n`);
    expect(waiting).toBeGreaterThan(10_000_000);
    expect(held).toBeLessThan(1.5 * waiting);
  });

  it('is shared by all clients for which the same waits', async () => {
    const { waiting, held } = await pileUp(5, { messages: 200_000, perTurn: 100, size: 100 });

    process.stdout.write(`5 clients: ${held} bytes for ${waiting} that wait for each\n`);
    expect(waiting).toBeGreaterThan(10_000_000);
    expect(held).toBeLessThan(2 * waiting);
  });
});
