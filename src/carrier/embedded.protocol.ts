/** What a process asks of the hub. */
export type HubRequest =
  | readonly ['publish', channel: string, message: Buffer]
  | readonly ['subscribe', ticket: number, channels: readonly string[]]
  | readonly ['subscribePrefix', ticket: number, prefix: string]
  | readonly ['unsubscribe', channels: readonly string[]]
  | readonly ['unsubscribePrefix', prefix: string]
  /** Every subscription of the process ends; it says nothing more. */
  | readonly ['end']
  | readonly ['count', ticket: number, channel: string];

/** What the hub tells a process. `done` answers the request with that ticket. */
export type HubReply =
  readonly ['message', channel: string, message: Buffer] | readonly ['done', ticket: number, value: number];

/** What a process says may be anything: another version of it may run, and a team's own code can send messages too. */
export function isHubRequest(value: unknown): value is HubRequest {
  if (!Array.isArray(value)) return false;
  const [kind, first, second] = value as unknown[];
  switch (kind) {
    case 'publish':
      return typeof first === 'string' && second instanceof Uint8Array;
    case 'subscribe':
      return typeof first === 'number' && areNames(second);
    case 'subscribePrefix':
    case 'count':
      return typeof first === 'number' && typeof second === 'string';
    case 'unsubscribe':
      return areNames(first);
    case 'unsubscribePrefix':
      return typeof first === 'string';
    default:
      return kind === 'end';
  }
}

export function isHubReply(value: unknown): value is HubReply {
  if (!Array.isArray(value)) return false;
  const [kind, first, second] = value as unknown[];
  if (kind === 'message') return typeof first === 'string' && second instanceof Uint8Array;
  return kind === 'done' && typeof first === 'number' && typeof second === 'number';
}

function areNames(value: unknown): boolean {
  return Array.isArray(value) && value.every((name) => typeof name === 'string');
}

/** One end of the way between a process and the hub; what is sent arrives in order, and never within the call. */
export interface Link<Incoming, Outgoing> {
  /** `sent` is called once the batch has left this process, or cannot. */
  send(batch: readonly Outgoing[], sent: (error: Error | null) => void): void;
  listen(listener: (batch: readonly Incoming[]) => void): () => void;
}

export type ProcessLink = Link<HubReply, HubRequest>;
export type HubLink = Link<HubRequest, HubReply>;
