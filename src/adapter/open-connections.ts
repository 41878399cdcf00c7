import type { IncomingMessage, Server } from 'node:http';
import type { Socket } from 'node:net';

/** The open connections of a server, also those that were upgraded, which the server itself forgets. */
export class OpenConnections {
  private readonly open = new Set<Socket>();

  constructor(server: Server) {
    const { open } = this;
    // One for all: it is kept for as long as the connection.
    const forget = function (this: Socket): void {
      open.delete(this);
    };
    const track = (connection: Socket): void => {
      if (open.has(connection)) return;
      open.add(connection);
      connection.on('close', forget);
    };
    server.on('connection', track);
    // One that another process has accepted begins here.
    server.on('upgrade', (_request: IncomingMessage, connection: Socket) => track(connection));
  }

  cut(): void {
    for (const connection of this.open) connection.destroy();
  }
}
