import { z } from 'zod';
import { readJson } from '../read-json.js';

const id = z.string().max(64);

/** Of a refusal. */
const longestText = 1_024;

const messageSchema = z.discriminatedUnion('type', [
  /** To whoever leads. */
  z.object({ type: z.literal('run job'), id, name: z.string().max(256) }),
  z.object({ type: z.literal('release lease'), id }),
  /** From the leader: it has the request, and will say how it went. */
  z.object({ type: z.literal('taken'), id }),
  z.object({ type: z.literal('done'), id, result: z.unknown() }),
  z.object({ type: z.literal('refused'), id, code: z.string().max(64), message: z.string().max(longestText) }),
]);

/** What primaries ask their leader, and how it answers. */
export type FleetMessage = z.infer<typeof messageSchema>;
export type FleetRequest = Extract<FleetMessage, { type: 'run job' | 'release lease' }>;

const longestBytes = 8_192;

export function fleetChannel(key: string): string {
  return `${key}-fleet`;
}

export function toMessage(message: FleetMessage): Buffer {
  const short = message.type === 'refused' ? { ...message, message: message.message.slice(0, longestText) } : message;
  return Buffer.from(JSON.stringify(short));
}

/** Undefined for what is no such message. */
export function readMessage(message: Buffer): FleetMessage | undefined {
  return readJson(messageSchema, message, longestBytes);
}
