import { describe, expect, it } from 'vitest';
import { resolveSlowClients, SlowClients } from '../src/slow-clients.js';

describe('the options for slow clients', () => {
  it('have defaults', () => {
    expect(resolveSlowClients()).toEqual({
      bufferBytes: 1_048_576,
      bufferAgeMs: 30_000,
      policy: 'disconnect',
      byNamespace: {},
    });
  });

  it.each([
    [
      { bufferBytes: 16_383 },
      'Expected `slowClients.bufferBytes` to be a whole number from 16384 to 1073741824, got 16383.',
    ],
    [
      { bufferBytes: '1MB' },
      'Expected `slowClients.bufferBytes` to be a whole number from 16384 to 1073741824, got 1MB.',
    ],
    [{ bufferAgeMs: 99 }, 'Expected `slowClients.bufferAgeMs` to be a whole number from 100 to 3600000, got 99.'],
    [
      { bufferAgeMs: Infinity },
      'Expected `slowClients.bufferAgeMs` to be a whole number from 100 to 3600000, got Infinity.',
    ],
    [
      { policy: 'newest' },
      'Expected `slowClients.policy` to be one of "disconnect", "drop-oldest", "latest", got "newest".',
    ],
    [
      { byNamespace: { '/prices': undefined } },
      'Expected `slowClients.byNamespace[\'/prices\']` to be one of "disconnect", "drop-oldest", "latest", got undefined.',
    ],
    [
      { byNamespace: { prices: 'latest' } },
      'Expected the names in `slowClients.byNamespace` to begin with "/", got "prices".',
    ],
  ])('are refused as %j', (options, message) => {
    expect(() => resolveSlowClients(options as never)).toThrow(new RangeError(message));
  });

  it('are refused by the decorator as well', () => {
    expect(() => SlowClients('newest' as never)).toThrow(
      'Expected the policy of `@SlowClients` to be one of "disconnect", "drop-oldest", "latest", got "newest".',
    );
  });
});
