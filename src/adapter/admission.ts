import type { Namespace, Server, Socket } from 'socket.io';
import { Connection } from './binding/connection.js';
import type { GatewayLayer } from './binding/gateway-layer.js';
import { CarrierAdapter } from './carrier-adapter.js';

/**
 * Takes over each client before it is connected, in every namespace that there is or comes.
 *
 * Whoever learns a client's id may send to it at once, through any node. So a client is connected once its own room
 * hears the other nodes.
 */
export function admitClients(server: Server, layer: GatewayLayer): void {
  const admit = (socket: Socket, next: () => void): void => {
    Connection.take(socket, layer);
    const { adapter } = socket.nsp;
    const pending = adapter instanceof CarrierAdapter ? adapter.admit(socket.id) : undefined;
    if (pending) void pending.then(() => next());
    else next();
  };
  server.use(admit);
  server.on('new_namespace', (namespace: Namespace) => void namespace.use(admit));
}
