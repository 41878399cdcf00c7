import { isGenuine, type Owner, ownerOf } from './session-id.js';

/** Another host of the fleet, as it has announced itself. */
export interface Host {
  /** Its tag in session ids. */
  readonly tag: string;
  /** For people. */
  readonly name: string;
  /** Where its workers are reached from other hosts, if it says so. */
  readonly url: string | undefined;
  /** What its session ids are sealed with, and what is told to it of a client. */
  readonly key: Buffer;
}

/** Whom a request has passed already. */
export type Passed = 'nobody' | 'another host' | 'a sibling';

export type Route =
  /** To answer here, also where the session is unknown. */
  | { readonly to: 'here' }
  | { readonly to: 'sibling'; readonly owner: Owner }
  | { readonly to: 'host'; readonly host: Host }
  /** Another host has the session, and nobody knows how to reach it. */
  | { readonly to: 'nowhere'; readonly host: Host };

const here: Route = { to: 'here' };

/** Decides which process a request belongs to whose session is not one of this worker's. */
export function routeOf(
  id: string,
  own: Owner,
  key: Buffer,
  passed: Passed,
  hostOf: (tag: string) => Host | undefined,
): Route {
  const owner = passed === 'a sibling' ? undefined : ownerOf(id);
  if (!owner) return here;
  if (owner.host === own.host) {
    return owner.fork !== own.fork && isGenuine(id, key) ? { to: 'sibling', owner } : here;
  }
  const host = passed === 'nobody' ? hostOf(owner.host) : undefined;
  if (!host || !isGenuine(id, host.key)) return here;
  return host.url === undefined ? { to: 'nowhere', host } : { to: 'host', host };
}
