import 'reflect-metadata';

/**
 * What becomes of messages that a client does not take, once more wait for it than may.
 *
 * - `disconnect`: its connection is cut; `disconnect` and `handleDisconnect` have the reason `slow client`.
 * - `drop-oldest`: it misses the oldest broadcasts that wait.
 * - `latest`: of the broadcasts that wait, it gets the newest of each event name.
 *
 * A message is dropped as a whole, with its attachments. What is sent to one client alone and broadcasts that ask for an
 * acknowledgement are never dropped; where too much waits with nothing to drop, the connection is cut.
 */
export type SlowClientPolicy = (typeof slowClientPolicies)[number];

export const slowClientPolicies = ['disconnect', 'drop-oldest', 'latest'] as const;

export interface SlowClientsOptions {
  /**
   * How many bytes may wait in this process for one client, over all namespaces of its connection. One message that is
   * larger by itself may wait as well. A burst counts too: keep it above the most that a client is sent at once.
   * @default 1_048_576
   */
  readonly bufferBytes?: number;
  /**
   * How long a byte may wait in this process until the system takes it, in milliseconds.
   * @default 30_000
   */
  readonly bufferAgeMs?: number;
  /**
   * The policy of namespaces that have none of their own.
   * @default "disconnect"
   */
  readonly policy?: SlowClientPolicy;
  /**
   * The policy of single namespaces, as `{ '/prices': 'latest' }`. It goes before that of a gateway's `@SlowClients`.
   * @default none
   */
  readonly byNamespace?: Readonly<Record<string, SlowClientPolicy>>;
}

export type ResolvedSlowClientsOptions = Readonly<Required<SlowClientsOptions>>;

export const leastBufferBytes = 16_384;
export const mostBufferBytes = 2 ** 30;
export const leastBufferAgeMs = 100;
export const mostBufferAgeMs = 3_600_000;

/** @throws RangeError that names the first option that is wrong. */
export function resolveSlowClients(options: SlowClientsOptions = {}): ResolvedSlowClientsOptions {
  const { bufferBytes = 2 ** 20, bufferAgeMs = 30_000, policy = 'disconnect', byNamespace = {} } = options;
  checkNumber('bufferBytes', bufferBytes, leastBufferBytes, mostBufferBytes);
  checkNumber('bufferAgeMs', bufferAgeMs, leastBufferAgeMs, mostBufferAgeMs);
  checkPolicy('`slowClients.policy`', policy);
  for (const [namespace, own] of Object.entries(byNamespace)) {
    if (!namespace.startsWith('/'))
      throw new RangeError(`Expected the names in \`slowClients.byNamespace\` to begin with "/", got "${namespace}".`);
    checkPolicy(`\`slowClients.byNamespace['${namespace}']\``, own);
  }
  return { bufferBytes, bufferAgeMs, policy, byNamespace };
}

/** What is known of a process's slow clients. */
export interface SlowClientFigures {
  /** How many clients were disconnected for it since the start. */
  readonly disconnected: number;
  /** How many messages were dropped since the start, counted for each client. */
  readonly dropped: number;
  /** How many bytes wait now, over all clients; what several wait for counts for each. */
  readonly waitingBytes: number;
  /** The most that waits now for one client, in bytes. */
  readonly largestWaitingBytes: number;
}

export const noSlowClients: SlowClientFigures = {
  disconnected: 0,
  dropped: 0,
  waitingBytes: 0,
  largestWaitingBytes: 0,
};

const policyKey = Symbol('slow clients');

/**
 * Says what becomes of messages of this gateway's namespace that a client does not take in time.
 *
 *     @WebSocketGateway({ namespace: '/prices' })
 *     @SlowClients('latest')
 *     export class PriceGateway {}
 *
 * Gateways of one namespace share the policy: say it in one of them, or the same in all.
 *
 * @throws RangeError when there is no such policy.
 */
export function SlowClients(policy: SlowClientPolicy): ClassDecorator {
  checkPolicy('the policy of `@SlowClients`', policy);
  return (gateway) => Reflect.defineMetadata(policyKey, policy, gateway);
}

export function slowClientPolicyOf(gateway: object): SlowClientPolicy | undefined {
  return Reflect.getMetadata(policyKey, gateway) as SlowClientPolicy | undefined;
}

function checkNumber(name: string, value: unknown, least: number, most: number): void {
  if (Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most) return;
  throw new RangeError(
    `Expected \`slowClients.${name}\` to be a whole number from ${least} to ${most}, got ${String(value)}.`,
  );
}

function checkPolicy(what: string, policy: unknown): void {
  if ((slowClientPolicies as readonly unknown[]).includes(policy)) return;
  const expected = slowClientPolicies.map((each) => `"${each}"`).join(', ');
  throw new RangeError(`Expected ${what} to be one of ${expected}, got ${JSON.stringify(policy)}.`);
}
