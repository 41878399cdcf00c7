import { z } from 'zod';
import { refusedMessages } from '../refused-messages.js';

const sayingSchema = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('here'),
    tag: z.string().regex(/^[0-9a-f]{10}$/),
    name: z.string().max(255),
    url: z.url({ protocol: /^https?$/ }).optional(),
    key: z.base64().max(128),
  }),
  z.object({ type: z.literal('who is there') }),
]);

/** What hosts of one fleet say to each other about themselves. */
export type HostSaying = z.infer<typeof sayingSchema>;

export const announceIntervalMs = 5_000;

const longestBytes = 4_096;

/** Where they say it; no namespace's channel can have this name. */
export function hostChannel(key: string): string {
  return `${key}-hosts`;
}

/** Where they are asked: one subscriber for each host, so that who asks knows how many answers there will be. */
export function questionChannel(key: string): string {
  return `${key}-hosts-asked`;
}

export function toMessage(saying: HostSaying): Buffer {
  return Buffer.from(JSON.stringify(saying));
}

/** Undefined for what is no such message, which is counted. */
export function readSaying(channel: string, message: Buffer): HostSaying | undefined {
  try {
    if (message.length > longestBytes) throw new RangeError(`it has more than ${longestBytes} bytes`);
    return sayingSchema.parse(JSON.parse(message.toString()));
  } catch (error) {
    refusedMessages.add('what a host says of itself', channel, error);
    return undefined;
  }
}
