import type { HostAndPort } from '../redis-address.js';
import { slotCount } from './hash-slot.js';

/** The address of the primary that serves each slot, where one does. */
export type SlotOwners = (string | undefined)[];

/** Reads the answer to CLUSTER SLOTS, as the node at `asked` gave it. */
export function readSlotOwners(answer: unknown, asked: string): SlotOwners {
  const owners: SlotOwners = Array.from({ length: slotCount });
  for (const [first, last, [host, port]] of answer as [number, number, [string | null, number]][]) {
    owners.fill(toAddress(host, port, asked), first, last + 1);
  }
  return owners;
}

export interface Redirection {
  readonly slot: number;
  readonly owner: string;
}

/** What an answer says of the slot that it was refused for: `MOVED 3999 127.0.0.1:6381`. */
export function readRedirection({ message }: Error, asked: string): Redirection | undefined {
  const [, slot, host, port] = /^MOVED (\d+) (.*):(\d+)$/.exec(message) ?? [];
  return slot === undefined ? undefined : { slot: Number(slot), owner: toAddress(host!, Number(port), asked) };
}

export function parseAddress(address: string): HostAndPort {
  const colon = address.lastIndexOf(':');
  return { host: address.slice(0, colon), port: Number(address.slice(colon + 1)) };
}

/** A node that does not know its own host means the one that it was asked under. */
function toAddress(host: string | null, port: number, asked: string): string {
  return `${host && host !== '?' ? host : parseAddress(asked).host}:${port}`;
}
