import { z } from 'zod';
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

/** Hosts with another interval count otherwise, as during a deploy that changes it, and do not hear each other. */
export function beatChannel(key: string, intervalMs: number): string {
  return `${key}-beats-${intervalMs}`;
}

export function toMessage(beat: Beat): Buffer {
  return Buffer.from(JSON.stringify(beat));
}

/** Undefined for what is no beat. */
export function readBeat(message: Buffer): Beat | undefined {
  if (message.length > longestBytes) return undefined;
  try {
    return schema.safeParse(JSON.parse(message.toString())).data;
  } catch {
    return undefined;
  }
}

/** Beats that a worker did not let pass. */
export interface BeatCounts {
  /** Of a leader that has been followed by another. */
  readonly refused: number;
  /** That had come on another way already. */
  readonly repeated: number;
}
