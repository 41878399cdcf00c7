import type { FaultKind } from './schedule.js';
import type { Received } from './received.js';

/**
 * What became of a message at its first station: the worker that a client gave it to, or Redis for the emitter outside.
 * `cut off`: the connection ended before there was an answer.
 */
export type Fate = 'open' | 'taken' | 'refused' | 'cut off';

export interface Message {
  readonly sentAt: number;
  fate: Fate;
}

/** Messages of one sender over one connection to one audience, numbered from 1: the order of these is promised. */
export interface Stream {
  readonly name: string;
  /** The clients that should hear it. */
  readonly audience: readonly string[];
  /** The worker that it goes through; none for the emitter outside. */
  readonly slot: number | undefined;
  readonly messages: Message[];
}

/** One connection of a client. */
export interface Stay {
  readonly client: string;
  readonly slot: number;
  /** When it was told that it is in its rooms. */
  joinedAt: number | undefined;
  leftAt: number | undefined;
  /** By the name of the stream. */
  readonly heard: Map<string, Received>;
}

/** A fault while it lasted, with whom it struck where it was not everybody. */
export interface Trouble {
  readonly kind: FaultKind;
  readonly from: number;
  readonly to: number;
  readonly slot?: number;
  readonly clients?: readonly string[];
}

/** All that was sent, heard and broken in a run; all times are milliseconds of one clock. */
export interface History {
  readonly streams: Iterable<Stream>;
  /** By client, in the order of time. */
  readonly stays: ReadonlyMap<string, readonly Stay[]>;
  readonly troubles: readonly Trouble[];
}
