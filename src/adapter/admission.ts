import type { Namespace, Server, Socket } from 'socket.io';
import type { Delivery } from '../delivery.js';
import { Connection } from './binding/connection.js';
import type { GatewayLayer } from './binding/gateway-layer.js';
import { type Middleware, runMiddleware } from './binding/middleware.js';
import { CarrierAdapter } from './carrier-adapter.js';

/**
 * Takes over each client before it is connected, in every namespace that there is or comes.
 *
 * Whoever learns a client's id may send to it at once, through any node. So a client is connected once its own room
 * hears the other nodes.
 */
export function admitClients(server: Server, layer: GatewayLayer, delivery: Delivery | undefined): void {
  const admit = (socket: Socket, next: () => void): void => {
    Connection.take(socket, layer);
    delivery?.adopt(socket);
    const { adapter } = socket.nsp;
    const pending = adapter instanceof CarrierAdapter ? adapter.admit(socket.id) : undefined;
    if (pending) void pending.then(() => next());
    else next();
  };
  const open = (namespace: Namespace): void => {
    survive(namespace, layer);
    namespace.use(admit);
  };
  open(server.sockets);
  server.on('new_namespace', open);
}

/** What is used of a namespace, which Socket.IO does not declare as public. */
interface Running {
  readonly _fns: readonly Middleware[];
  run(socket: Socket, done: (error?: Error) => void): void;
}

/** Refuses a client whose middleware throws or rejects, where Socket.IO would end the process. */
function survive(namespace: Namespace, { faults }: GatewayLayer): void {
  const running = namespace as unknown as Running;
  running.run = (socket, done) => {
    runMiddleware(running['_fns'], socket, done, (error) =>
      faults.report(`a middleware of ${namespace.name}`, 'use', error),
    );
  };
}
