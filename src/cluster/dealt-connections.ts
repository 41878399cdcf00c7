import type { ChildProcess } from 'node:child_process';

/** A connection that Node's round-robin deals to a worker, as it travels over the channel. */
interface Dealt {
  readonly seq: number;
  readonly handle: { close(): void };
}

/**
 * Closes the connections that were dealt to a worker which has died before it took them.
 *
 * Node's round-robin forgets them, open as they are, so that their clients would wait for an answer until they give up.
 */
export class DealtConnections {
  private readonly untaken = new Map<number, Dealt['handle']>();

  constructor(worker: ChildProcess) {
    const send = worker.send.bind(worker) as (message: unknown, ...rest: unknown[]) => boolean;
    worker.send = (message: unknown, ...rest: unknown[]) => {
      const dealt = toDealt(message, rest[0]);
      if (dealt) this.untaken.set(dealt.seq, dealt.handle);
      return send(message, ...rest);
    };
    worker.on('internalMessage', (message: unknown) => {
      if (isAnswer(message)) this.untaken.delete(message.ack);
    });
  }

  close(): void {
    for (const handle of this.untaken.values()) handle.close();
    this.untaken.clear();
  }
}

function toDealt(message: unknown, handle: unknown): Dealt | undefined {
  if (typeof message !== 'object' || message === null || !handle) return undefined;
  const { cmd, act, seq } = message as Readonly<Record<string, unknown>>;
  if (cmd !== 'NODE_CLUSTER' || act !== 'newconn' || typeof seq !== 'number') return undefined;
  return { seq, handle: handle as Dealt['handle'] };
}

function isAnswer(message: unknown): message is { ack: number } {
  return typeof message === 'object' && message !== null && 'ack' in message && typeof message.ack === 'number';
}
