import type { ConnectionFacts } from './client-facts.js';

/** An upgrade whose session lives on another worker. Its connection goes with it. */
export interface HandedUpgrade {
  readonly type: 'upgrade';
  /** Which worker it is for. */
  readonly fork: number;
  /** Which of the worker's HTTP servers it came to. */
  readonly server: number;
  readonly method: string;
  readonly url: string;
  readonly httpVersion: string;
  readonly headers: NodeJS.Dict<string | string[]>;
  readonly rawHeaders: readonly string[];
  /** What had come after the headers. */
  readonly head: Uint8Array;
  /** Where the connection is another host's: whose it is. */
  readonly client: ConnectionFacts | undefined;
}

/** Said by each process that has taken a connection: the next one may follow. */
export interface Taken {
  readonly type: 'taken';
}

export type HandoverMessage = HandedUpgrade | Taken;

/** The conversation that worker and primary have about it. */
export const handoverTopic = 'sessions';
