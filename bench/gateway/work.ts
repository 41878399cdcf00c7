/** What a contestant has to do. */
export interface Work {
  readonly handlers: number;
  /** Whether each event passes a guard, an interceptor and a validating pipe. */
  readonly pipeline: boolean;
}

export interface Payload {
  readonly text: string;
  readonly sequence: number;
}

export function eventNames(handlers: number): string[] {
  return Array.from({ length: handlers }, (_, index) => `event-${index}`);
}

export function answerTo({ text, sequence }: Payload): { length: number; sequence: number } {
  return { length: text.length, sequence };
}
