import { z } from 'zod';
import type { Heartbeat } from '../events.js';
import type { FencedMessage, Fencing } from '../fenced-message.js';
import { readJson } from '../read-json.js';
import { type Term, termSchema } from '../term.js';

/** A beat between processes; clients get its sequence and when it was sent. */
export interface Beat {
  /** In whose name it is given. */
  readonly term: Term;
  /** How many intervals the fleet's time has had, so that every primary would give the beat the same number. */
  readonly sequence: number;
  readonly sentAt: number;
}

const schema = z.object({ term: termSchema, sequence: z.int().min(0), sentAt: z.number() });

const longestBytes = 1_024;

/** Where primaries hear which beat has been given: they serve no client, so they do not hear what clients are told. */
export function beatChannel(key: string, intervalMs: number): string {
  return `${key}-beats-${intervalMs}`;
}

export function toMessage(beat: Beat): Buffer {
  return Buffer.from(JSON.stringify(beat));
}

/** Undefined for what is no beat. */
export function readBeat(message: Buffer): Beat | undefined {
  return readJson(schema, message, longestBytes);
}

/** What clients are told. */
export function toHeartbeat({ sequence, sentAt }: Beat): Heartbeat {
  return { sequence, sentAt };
}

export function fencingOf({ term, sequence }: Beat, intervalMs: number): Fencing {
  return { stream: streamOf(intervalMs), term, sequence };
}

/** Undefined for what is no beat of this interval. */
export function beatIn({ fencing, event, args }: FencedMessage, intervalMs: number): Beat | undefined {
  if (event !== 'heartbeat' || fencing.stream !== streamOf(intervalMs)) return undefined;
  const { term, sequence } = fencing;
  const [told] = args as [Partial<Heartbeat>?];
  return schema.safeParse({ term, sequence, sentAt: told?.sentAt }).data;
}

/** Hosts with another interval count otherwise, as during a deploy that changes it. */
function streamOf(intervalMs: number): string {
  return `heartbeat-${intervalMs}`;
}
