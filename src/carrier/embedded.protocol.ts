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

/** One end of the way between a process and the hub; what is sent arrives in order, and never within the call. */
export interface Link<Incoming, Outgoing> {
  /** `sent` is called once the batch has left this process, or cannot. */
  send(batch: readonly Outgoing[], sent: (error: Error | null) => void): void;
  listen(listener: (batch: readonly Incoming[]) => void): () => void;
}

export type ProcessLink = Link<HubReply, HubRequest>;
export type HubLink = Link<HubRequest, HubReply>;
