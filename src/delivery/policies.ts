import type { ServedGateway } from '../delivery.js';
import { GatewayOptionsConflictError } from '../errors.js';
import { type ResolvedSlowClientsOptions, type SlowClientPolicy, slowClientPolicyOf } from '../slow-clients.js';

interface Declared {
  readonly policy: SlowClientPolicy;
  /** The gateway that says so. */
  readonly gateway: string;
}

/** What applies to messages of which namespace: the adapter's options, then the gateways' own, then the default. */
export class Policies {
  private readonly byName = new Map<string, Declared>();
  private readonly byPattern = new Map<string, Declared & { readonly pattern: RegExp }>();

  constructor(private readonly options: Pick<ResolvedSlowClientsOptions, 'policy' | 'byNamespace'>) {}

  /** @throws GatewayOptionsConflictError where two gateways of one namespace say different things. */
  declare(gateways: readonly ServedGateway[]): void {
    for (const { name: gateway, metatype, namespace } of gateways) {
      const policy = slowClientPolicyOf(metatype);
      if (!policy) continue;
      const before =
        typeof namespace === 'string' ? this.byName.get(slashed(namespace)) : this.byPattern.get(String(namespace));
      if (before && before.policy !== policy)
        throw new GatewayOptionsConflictError('@SlowClients', before.gateway, gateway);
      const declared = { policy, gateway };
      if (typeof namespace === 'string') this.byName.set(slashed(namespace), declared);
      else this.byPattern.set(String(namespace), { ...declared, pattern: namespace });
    }
  }

  of(namespace: string): SlowClientPolicy {
    const { policy, byNamespace } = this.options;
    if (Object.hasOwn(byNamespace, namespace)) return byNamespace[namespace]!;
    return (this.byName.get(namespace) ?? this.matching(namespace))?.policy ?? policy;
  }

  private matching(namespace: string): Declared | undefined {
    for (const declared of this.byPattern.values()) if (namespace.search(declared.pattern) !== -1) return declared;
    return undefined;
  }
}

/** As Socket.IO names it. */
function slashed(namespace: string): string {
  return namespace.startsWith('/') ? namespace : `/${namespace}`;
}
