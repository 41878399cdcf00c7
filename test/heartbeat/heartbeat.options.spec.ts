import { describe, expect, it } from 'vitest';
import { resolveHeartbeatOptions } from '../../src/heartbeat/heartbeat.options.js';

describe('resolveHeartbeatOptions', () => {
  it('beats once a second by default', () => {
    expect(resolveHeartbeatOptions({})).toEqual({ intervalMs: 1_000, key: 'socket.io' });
  });

  it.each([10, 2 ** 31 - 1])('takes %d ms', (intervalMs) => {
    expect(resolveHeartbeatOptions({ intervalMs })).toMatchObject({ intervalMs });
  });

  it.each([9, 0, -1, 10.5, 2 ** 31, NaN, Infinity, '100' as unknown as number])('refuses %d ms', (intervalMs) => {
    expect(() => resolveHeartbeatOptions({ intervalMs })).toThrow(
      new RangeError(
        `Expected \`intervalMs\` to be a whole number of milliseconds from 10 to 2147483647, got ${intervalMs}.`,
      ),
    );
  });
});
