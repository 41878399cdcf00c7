import { hashedPart } from './hash-slot.js';

/**
 * The name of a channel in a Redis Cluster, which says by its hash which node carries it.
 *
 * Messages of two nodes may overtake each other. So a namespace's requests are carried by the node that carries what
 * goes to the whole namespace: clients that are told to join a room must have joined it when the next message arrives.
 */
export function shardChannel(channel: string): string {
  const [, key, rest] = /^([^#]*)-request#(.*)$/s.exec(channel) ?? [];
  return key === undefined ? channel : `{${hashedPart(`${key}#${rest}`)}}${channel}`;
}
