import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { startStockServer } from '../support/stock-server.js';

describe('what everybody has, without Redis', () => {
  it('ends with an unhandled rejection, one for each emit: the classic adapter', async () => {
    const { redis, process, errors } = await startStockServer('classic');
    const exited = once(process, 'exit');

    await redis.stop();

    expect((await exited)[0]).toBe(1);
    expect(errors()).toContain('Reached the max retries per request limit');
  });
});
