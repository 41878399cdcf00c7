import { describe, expect, it } from 'vitest';
import { Policies } from '../../src/delivery/policies.js';
import { GatewayOptionsConflictError } from '../../src/errors.js';
import {
  resolveSlowClients,
  SlowClients,
  type SlowClientPolicy,
  type SlowClientsOptions,
} from '../../src/slow-clients.js';

@SlowClients('latest')
class Latest {}

@SlowClients('drop-oldest')
class DropOldest {}

class Silent {}

describe('the policy of a namespace', () => {
  it.each<[string, string | RegExp, object, SlowClientsOptions, SlowClientPolicy]>([
    ['that of its gateway', '/prices', Latest, {}, 'latest'],
    ['that of its gateway, whose name has no slash', 'prices', Latest, {}, 'latest'],
    ['that of the gateway whose pattern it matches', /^\/pri/g, Latest, {}, 'latest'],
    ['the default where its gateway says nothing', '/prices', Silent, {}, 'disconnect'],
    ['that of the options where its gateway says nothing', '/prices', Silent, { policy: 'drop-oldest' }, 'drop-oldest'],
    [
      'that of the options for it before all',
      '/prices',
      Latest,
      { byNamespace: { '/prices': 'disconnect' } },
      'disconnect',
    ],
    ['none of another', '/orders', Latest, {}, 'disconnect'],
  ])('is %s', (_, namespace, metatype, options, expected) => {
    const policies = policiesOf(options);

    policies.declare([{ name: 'A', metatype, namespace }]);

    // Twice, since a pattern with a flag has a state.
    expect([policies.of('/prices'), policies.of('/prices')]).toEqual([expected, expected]);
  });

  it('has to be the same in all of its gateways that have one', () => {
    const policies = policiesOf();
    const namespace = '/prices';
    policies.declare([
      { name: 'A', metatype: Latest, namespace },
      { name: 'B', metatype: Silent, namespace },
      { name: 'C', metatype: Latest, namespace },
    ]);

    expect(() => policies.declare([{ name: 'D', metatype: DropOldest, namespace }])).toThrow(
      GatewayOptionsConflictError,
    );
  });
});

function policiesOf(options: SlowClientsOptions = {}): Policies {
  return new Policies(resolveSlowClients(options));
}
