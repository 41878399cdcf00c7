import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { listenPrivately } from '../private-socket.js';

export interface DoorListener {
  onRequest(request: IncomingMessage, response: ServerResponse): void;
  onUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
}

/** A header that a client may just send, and the facts about it, must both fit. */
const maxHeaderSize = 64 * 1024;

/** Where the other workers of the host bring requests to a worker: a unix socket that only its user can open. */
export class PrivateDoor {
  private constructor(private readonly server: Server) {}

  static async open(path: string, listener: DoorListener): Promise<PrivateDoor> {
    // The worker in between has its own time limits; a connection that ended here first could lose a request.
    const server = createServer({
      maxHeaderSize,
      requestTimeout: 0,
      headersTimeout: 0,
      keepAliveTimeout: 0,
      // A client of HTTP/1.0 sends none.
      requireHostHeader: false,
    });
    // What comes late among many headers counts as well.
    server.maxHeadersCount = 0;
    server.on('request', (request, response) => listener.onRequest(request, response));
    server.on('upgrade', (request, socket, head) => listener.onUpgrade(request, socket, head));
    await listenPrivately(server, path);
    return new PrivateDoor(server);
  }

  close(): void {
    this.server.close();
    this.server.closeAllConnections();
  }
}
