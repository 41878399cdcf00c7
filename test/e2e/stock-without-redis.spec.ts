import { setTimeout as elapsed } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { startStockServer } from '../support/stock-server.js';

// What the tests beside this one hold us to is worth something only as long as this is so.
describe('what everybody has, without Redis', () => {
  it('keeps what is said from the clients of the same process: the sharded adapter', async () => {
    const { redis, heard } = await startStockServer('sharded');

    await redis.stop();
    await elapsed(200);
    const before = heard().length;
    await elapsed(2_000);

    expect(heard().length - before).toBe(0);
  });
});
