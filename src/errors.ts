/**
 * Base of every error that this project throws. Match on `code`: it survives IPC, `instanceof` does not.
 *
 * The message is one or two sentences for a person: what happened, and what to do about it.
 */
export abstract class ClusterIoError extends Error {
  abstract readonly code: string;
  override readonly name: string = this.constructor.name;
}

/** A variable of the environment has a value that cannot be used. */
export class ConfigError extends ClusterIoError {
  readonly code = 'CONFIG_INVALID';

  constructor(
    readonly variable: string,
    readonly expected: string,
    readonly got: string,
  ) {
    super(`${variable} is wrong: expected ${expected}, got ${got}.`);
  }
}

/** Workers are to accept connections by themselves, and this Node cannot let them. */
export class ListenModeError extends ClusterIoError {
  readonly code = 'LISTEN_UNSUPPORTED';

  constructor(
    readonly nodeVersion: string,
    readonly platform: string,
  ) {
    super(
      'LISTEN=reuse-port needs Node 22.12, 23.1 or newer on Linux, ' +
        `got Node ${nodeVersion} on ${platform}: update Node, or set LISTEN to "auto" or "round-robin".`,
    );
  }
}

/** Redis did not answer in time while the first process of a cluster was starting. */
export class RedisUnreachableError extends ClusterIoError {
  readonly code = 'REDIS_UNREACHABLE';

  constructor(
    readonly address: string,
    readonly timeoutMs: number,
    options?: ErrorOptions,
  ) {
    const reason = options?.cause instanceof Error ? ` (${options.cause.message})` : '';
    super(
      `Redis at ${address} could not be used within ${timeoutMs} ms${reason}: ` +
        'start it, correct REDIS_URL, or unset REDIS_URL to run on one host without Redis.',
      options,
    );
  }
}

/** A carrier was asked for every channel that begins in some way, and can only hear channels by their names. */
export class PrefixUnsupportedError extends ClusterIoError {
  readonly code = 'PREFIX_UNSUPPORTED';

  constructor() {
    super('Sharded pub/sub knows no patterns: set the routing to "rooms" (REDIS_ROUTING), or use a single Redis.');
  }
}

/** Another program listens where the workers should. */
export class PortTakenError extends ClusterIoError {
  readonly code = 'PORT_TAKEN';

  constructor(
    readonly port: number,
    options?: ErrorOptions,
  ) {
    super(`Port ${port} is taken by another program: stop it, or set PORT to a free one (0 picks one).`, options);
  }
}

/** The address of `HOST` is not one of this machine's, or may not be used. */
export class AddressUnusableError extends ClusterIoError {
  readonly code = 'ADDRESS_UNUSABLE';

  constructor(
    readonly address: string,
    options?: ErrorOptions,
  ) {
    const reason = options?.cause instanceof Error ? options.cause.message : 'unknown reason';
    super(`Cannot listen on ${address} (${reason}): set HOST and PORT to an address this process may use.`, options);
  }
}

/** Gateways that share a server want it with different options. */
export class GatewayOptionsConflictError extends ClusterIoError {
  readonly code = 'GATEWAY_OPTIONS_CONFLICT';

  constructor(
    readonly option: string,
    readonly gateway: string,
    readonly otherGateway: string,
  ) {
    super(
      `${gateway} and ${otherGateway} share a server, since they have the same port and path, but say different ` +
        `things about its option "${option}": say it in one of them or the same in both, or give one another path.`,
    );
  }
}

/** The adapter was made when Nest had connected the gateways already, and would never be asked for anything. */
export class SetupTooLateError extends ClusterIoError {
  readonly code = 'SETUP_TOO_LATE';

  constructor() {
    super(
      'The gateways of this application are connected already, with another adapter: set this one up after ' +
        '`NestFactory.create(…)` and before `app.init()` or `app.listen(…)`.',
    );
  }
}

/** What an installation needs is no provider of the application. */
export class ProviderMissingError extends ClusterIoError {
  readonly code = 'PROVIDER_MISSING';

  constructor(
    readonly provider: string,
    readonly module: string,
  ) {
    super(`The application has no provider ${provider}: import ${module} in its root module.`);
  }
}

/** Not everybody answered a request to the other servers in time. */
export class MissingAnswersError extends ClusterIoError {
  readonly code = 'ANSWERS_MISSING';

  constructor(
    /** What did come: for `fetchSockets` the sockets, for `serverSideEmit` the answers of servers. */
    readonly responses: readonly unknown[],
    /** The processes that have not answered, by name. */
    readonly missing: readonly string[],
    answers: number,
    /** Of how many processes; `Infinity` where nobody could tell. */
    expected: number,
    readonly timeoutMs: number,
  ) {
    const outOf = Number.isFinite(expected) ? `out of ${expected} ` : '';
    const who =
      missing.length > 0 ? `no answer from ${missing.join(', ')}` : 'those that are missing are not known by name';
    super(`timeout reached: only ${answers} responses received ${outOf}within ${timeoutMs} ms; ${who}.`);
  }
}
