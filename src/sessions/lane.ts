import { connect, type Socket } from 'node:net';
import { type AnswerListener, AnswerReader, headerOf } from './answer-reader.js';

export interface LaneListener extends AnswerListener {
  /** Called instead of the rest, where there is none. */
  onBroken(error: Error): void;
}

/** A kept connection to another worker's private socket, with one request under way at most. */
export class Lane {
  readonly socket: Socket;
  private reader: AnswerReader | undefined;
  private listener: LaneListener | undefined;
  private requestSent = false;
  private kept = true;

  constructor(
    path: string,
    private readonly onIdle: () => void,
    onClose: () => void,
  ) {
    let reason: Error | undefined;
    this.socket = connect(path)
      .on('data', (bytes) => {
        if (!this.reader?.read(bytes)) this.socket.destroy();
      })
      .on('error', (error) => {
        reason = error;
      })
      .on('close', () => {
        onClose();
        if (!this.reader?.close()) this.listener?.onBroken(reason ?? new Error('the connection was closed'));
      });
  }

  /**
   * Begins a request: what is written from now on is its own, until {@link sent}.
   *
   * Where its end cannot be told for certain, no other may follow on this connection.
   */
  begin(method: string, endsForCertain: boolean, listener: LaneListener): void {
    this.requestSent = false;
    this.kept = endsForCertain;
    this.listener = listener;
    this.reader = new AnswerReader(method, {
      onHead: (head) => {
        if (headerOf(head.rawHeaders, 'connection')?.toLowerCase() === 'close') this.kept = false;
        listener.onHead(head);
      },
      onBody: (chunk) => listener.onBody(chunk),
      onEnd: (last) => {
        listener.onEnd(last);
        // Of a request that was answered before its end the rest would be taken for the next one.
        if (this.requestSent && this.kept) this.rest();
        else this.socket.destroy();
      },
    });
  }

  /** The whole request is written. */
  sent(): void {
    this.requestSent = true;
  }

  private rest(): void {
    if (this.socket.isPaused()) this.socket.resume();
    this.reader = undefined;
    this.listener = undefined;
    this.onIdle();
  }
}
