import type { Socket } from 'node:net';
import { refusedMessages } from './refused-messages.js';

/** Either end of an IPC channel: a worker's own `process`, or the primary's handle of a worker. */
export interface IpcEnd {
  readonly connected: boolean;
  send?(
    message: unknown,
    connection: Socket | undefined,
    options: undefined,
    done: (error: Error | null) => void,
  ): boolean;
  on(event: 'message', listener: IpcListener): unknown;
  off(event: 'message', listener: IpcListener): unknown;
}

export type IpcListener = (message: unknown, connection?: unknown) => void;

/**
 * One of several conversations over one IPC channel, so that folders which know nothing of each other can share it.
 *
 * Binary data arrives as it was sent, since the primary forks with `serialization: 'advanced'`.
 */
export class IpcTopic<Incoming, Outgoing> {
  constructor(
    private readonly end: IpcEnd,
    private readonly name: string,
  ) {}

  /**
   * Calls `done` once the message has left this process, or with the reason why it cannot. Never throws.
   *
   * A connection that goes with it belongs to the other process from then on. Everything that is sent after it waits
   * until the other process has taken it.
   */
  send(payload: Outgoing, done: (error: Error | null) => void = () => {}, connection?: Socket): void {
    if (!this.end.connected || !this.end.send) {
      process.nextTick(done, new Error('The IPC channel is closed.'));
      return;
    }
    this.end.send({ topic: this.name, payload }, connection, undefined, done);
  }

  /**
   * Returns what ends the listening. A payload that the listener cannot take, such as one of another version, is refused:
   * it ends neither process.
   */
  listen(listener: (payload: Incoming, connection: Socket | undefined) => void): () => void {
    const receive: IpcListener = (message, connection) => {
      if (!isEnvelope(message) || message.topic !== this.name) return;
      try {
        listener(message.payload as Incoming, connection as Socket | undefined);
      } catch (error) {
        refusedMessages.add('a message between primary and worker', this.name, error);
        // Nobody else would close it.
        (connection as Socket | undefined)?.destroy();
      }
    };
    this.end.on('message', receive);
    return () => void this.end.off('message', receive);
  }
}

function isEnvelope(message: unknown): message is { topic: string; payload: unknown } {
  return typeof message === 'object' && message !== null && 'topic' in message && 'payload' in message;
}
