import { decode, encode } from 'notepack.io';
import { z } from 'zod';
import { type Term, termSchema } from './term.js';

/** What a message travels with so that a receiver can tell whether it comes twice, or in the name of a former leader. */
export interface Fencing {
  /** Messages of one stream are counted together. */
  readonly stream: string;
  /** In whose name it is sent. */
  readonly term: Term;
  readonly sequence: number;
}

export interface FencedMessage {
  readonly fencing: Fencing;
  readonly event: string;
  readonly args: readonly unknown[];
}

/**
 * Who says that it sent the message, in the place of the adapter's id. It tells fenced messages by their first bytes,
 * and is longer than any id.
 */
const sender = 'fenced-emitter';

/** In msgpack, a list of three that begins with a short string. */
const start = Buffer.concat([Buffer.from([0x93, 0xa0 + sender.length]), Buffer.from(sender)]);

const longestBytes = 16_384;

const messageSchema = z.tuple([
  z.literal(sender),
  z.object({ data: z.tuple([z.string()], z.unknown()) }),
  z.object({
    flags: z.object({
      fencing: z.object({ stream: z.string().max(256), term: termSchema, sequence: z.int().min(0) }),
    }),
  }),
]);

/**
 * For the official emitter: its message, with the fencing among the flags, which official receivers pass over. They
 * deliver it as any other.
 */
export function fencedEncoder(fencing: Fencing): { encode(message: unknown): Buffer } {
  return {
    encode: (message) => {
      const [, packet, opts] = message as [string, object, { flags: object }];
      return encode([sender, packet, { ...opts, flags: { ...opts.flags, fencing } }]);
    },
  };
}

export function isFenced(message: Uint8Array): boolean {
  return message.length > start.length && start.every((byte, index) => message[index] === byte);
}

/** Undefined for what is no such message. */
export function readFenced(message: Buffer): FencedMessage | undefined {
  if (message.length > longestBytes || !isFenced(message)) return undefined;
  try {
    const { data } = messageSchema.safeParse(decode(message));
    if (!data) return undefined;
    const [, packet, { flags }] = data;
    const [event, ...args] = packet.data;
    return { fencing: flags.fencing, event, args };
  } catch {
    return undefined;
  }
}
