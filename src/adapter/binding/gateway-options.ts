import { isDeepStrictEqual } from 'node:util';
import type { GatewayMetadata } from '@nestjs/websockets';
import { GatewayOptionsConflictError } from '../../errors.js';

/** A gateway class and what its decorator says. */
export interface DecoratedGateway {
  readonly name: string;
  readonly port: number;
  readonly options: GatewayMetadata;
}

/** Options of the namespace, not of the server. */
const ofNamespace: ReadonlySet<string> = new Set(['namespace', 'server']);

const defaultPath = '/socket.io';

/**
 * The options of the one server that gateways on the same port and path share: the union of what they say, in which
 * `transports` is the union of both lists.
 *
 * @throws GatewayOptionsConflictError where two of them say different things.
 */
export function mergeOptions(gateways: readonly DecoratedGateway[]): Readonly<Record<string, unknown>> {
  const merged = new Map<string, { readonly value: unknown; readonly name: string }>();
  for (const { name, options } of gateways) {
    for (const [option, value] of Object.entries(options)) {
      if (ofNamespace.has(option) || value === undefined) continue;
      const before = merged.get(option);
      const both = before ? union(option, before.value, value) : [value];
      if (!both) throw new GatewayOptionsConflictError(option, before!.name, name);
      merged.set(option, { value: both[0], name: before?.name ?? name });
    }
  }
  return Object.fromEntries([...merged].map(([option, { value }]) => [option, value]));
}

/** Those that share a server with a gateway on that port and path. */
export function onServer(
  gateways: readonly DecoratedGateway[],
  port: number,
  path: string | undefined,
): readonly DecoratedGateway[] {
  return gateways.filter((gateway) => gateway.port === port && samePath(gateway.options.path, path));
}

/** As Socket.IO reads it: with no path its own, and with or without a slash at the end. */
export function normalPath(path: string = defaultPath): string {
  return path.replace(/\/$/, '');
}

function samePath(one: string | undefined, other: string | undefined): boolean {
  return normalPath(one) === normalPath(other);
}

function union(option: string, before: unknown, value: unknown): [unknown] | undefined {
  if (option === 'path' || isDeepStrictEqual(before, value)) return [before];
  if (option === 'transports' && Array.isArray(before) && Array.isArray(value)) {
    return [[...new Set<unknown>([...before, ...value])]];
  }
  return undefined;
}
