import { EventEmitter, once } from 'node:events';
import type { IncomingMessage, Server } from 'node:http';
import type { Socket } from 'node:net';

/** The connections that have been accepted and have not sent a request yet. */
export class Newcomers {
  private readonly waiting = new Set<Socket>();
  private readonly changes = new EventEmitter<{ none: [] }>();

  watch(server: Server): void {
    const remove = this.remove.bind(this);
    // One for all, and none for who has settled: it would be kept for as long as the connection.
    const leave = function (this: Socket): void {
      remove(this);
    };
    const settle = ({ socket }: IncomingMessage): void => {
      if (!this.waiting.has(socket)) return;
      socket.off('close', leave);
      remove(socket);
    };
    server.on('connection', (connection: Socket) => {
      this.waiting.add(connection);
      connection.on('close', leave);
    });
    server.on('request', settle);
    server.on('upgrade', settle);
  }

  /** Resolves once each has sent its request or has gone. */
  async settled(): Promise<void> {
    if (this.waiting.size > 0) await once(this.changes, 'none');
  }

  private remove(connection: Socket): void {
    if (this.waiting.delete(connection) && this.waiting.size === 0) this.changes.emit('none');
  }
}
