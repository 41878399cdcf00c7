/** What serves an event: one method of a gateway with all that is decorated around it. */
export interface Handler {
  readonly event: string;
  readonly methodName: string;
  readonly gateway: HandlerOwner;
  /** Whether the method has an `@Ack()` parameter, and answers by itself. */
  readonly isAckHandledManually: boolean;
  /** Calls guards, interceptors, pipes and the method; its result may be a promise and an Observable. Throws what they throw. */
  readonly call: (args: HandlerArguments) => unknown;
  /** Hands an exception to the first filter that wants it. Resolves with whether there was one. */
  readonly filter: (exception: unknown, args: HandlerArguments) => Promise<boolean>;
}

export interface HandlerOwner {
  readonly name: string;
}

/** As Nest passes them to its handlers: the client, the payload, the acknowledgement, the name of the event. */
export type HandlerArguments = readonly [client: unknown, data: unknown, acknowledge: unknown, pattern: unknown];
