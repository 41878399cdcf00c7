import type { Socket } from 'node:net';
import type { IpcTopic } from '../ipc.js';
import type { HandedUpgrade, HandoverMessage } from './handover.protocol.js';

/** After that time without an answer the next one is sent: what was under way may never have arrived. */
const answerTimeoutMs = 5_000;

/** What is not handed over within that number is refused: its client goes on without the upgrade. */
const mostWaiting = 1_000;

interface Waiting {
  readonly upgrade: HandedUpgrade;
  readonly connection: Socket;
}

/**
 * Hands connections over to the process at the other end of an IPC channel, one at a time.
 *
 * Node holds up every message behind a connection until the other end has taken it; with one under way at most, the
 * carrier's messages pass in between.
 */
export class HandoverLine {
  private readonly waiting: Waiting[] = [];
  private underWay: Socket | undefined;
  private alarm: NodeJS.Timeout | undefined;

  constructor(private readonly topic: IpcTopic<HandoverMessage, HandoverMessage>) {}

  put(upgrade: HandedUpgrade, connection: Socket): void {
    // A client that goes meanwhile is no news to anybody.
    connection.on('error', () => {});
    stopReading(connection);
    if (this.waiting.length >= mostWaiting) return void connection.destroy();
    this.waiting.push({ upgrade, connection });
    this.sendNext();
  }

  /** The other end has taken what was under way. */
  taken(): void {
    clearTimeout(this.alarm);
    this.underWay = undefined;
    this.sendNext();
  }

  /** The other end is gone: returns what nobody will take any more. */
  end(): Socket[] {
    clearTimeout(this.alarm);
    this.underWay?.destroy();
    return this.waiting.splice(0).map(({ connection }) => connection);
  }

  private sendNext(): void {
    while (!this.underWay && this.waiting.length > 0) {
      const { upgrade, connection } = this.waiting.shift()!;
      if (!connection.destroyed) this.send(upgrade, connection);
    }
  }

  private send(upgrade: HandedUpgrade, connection: Socket): void {
    this.underWay = connection;
    this.alarm = setTimeout(() => this.taken(), answerTimeoutMs).unref();
    // Its server would ask the other process about it, and never close.
    (connection as { server?: unknown }).server = null;
    const early = connection.read() as Buffer | null;
    // To read may have begun it again.
    stopReading(connection);
    const head = early ? Buffer.concat([upgrade.head, early]) : upgrade.head;
    // Only the object is left here, which its server still counts.
    const sent = (error: Error | null): void => {
      connection.destroy();
      if (error) this.taken();
    };
    this.topic.send({ ...upgrade, head }, sent, connection);
  }
}

/** Until the other process has taken it both have it open, and what this one read would be lost. Node has no word for it. */
function stopReading(connection: Socket): void {
  const { _handle: handle } = connection as unknown as { _handle: { reading: boolean; readStop(): void } | null };
  if (!handle) return;
  handle.reading = false;
  handle.readStop();
}
