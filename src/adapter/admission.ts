import type { Namespace, Server, Socket } from 'socket.io';
import type { Delivery } from '../delivery.js';
import { Connection } from './binding/connection.js';
import type { GatewayLayer } from './binding/gateway-layer.js';
import { type Middleware, runMiddleware } from './binding/middleware.js';
import { CarrierAdapter } from './carrier-adapter.js';
import { walkJson } from './json-walk.js';

/** Of each client every node may be told it, in one answer for all (`fetchSockets`). */
const longestAuth = 65_536;
const authLimits = { depth: 64, nodes: 10_000 };

/**
 * Takes over each client before it is connected, in every namespace that there is or comes.
 *
 * Whoever learns a client's id may send to it at once, through any node. So a client is connected once its own room
 * hears the other nodes.
 */
export function admitClients(server: Server, layer: GatewayLayer, delivery: Delivery | undefined): void {
  const admit = (socket: Socket, next: (error?: Error) => void): void => {
    if (!mayBeTold(socket.handshake.auth)) return next(new Error('The `auth` is too large.'));
    const { adapter } = socket.nsp;
    // Before version 4 of the protocol a client makes its id of the connection's by itself.
    if (adapter instanceof CarrierAdapter && socket.conn.protocol === 4) rename(socket, adapter.tagged(socket.id));
    Connection.take(socket, layer);
    delivery?.adopt(socket);
    const pending = adapter instanceof CarrierAdapter ? adapter.admit(socket.id) : undefined;
    if (pending) void pending.then(() => next());
    else next();
  };
  const open = (namespace: Namespace): void => run(namespace, admit, layer);
  open(server.sockets);
  server.on('new_namespace', open);
}

/** What is used of a namespace, which Socket.IO does not declare as public. */
interface Running {
  readonly _fns: readonly Middleware[];
  readonly _preConnectSockets: Map<string, Socket>;
  run(socket: Socket, done: (error?: Error) => void): void;
}

/**
 * Runs a namespace's middleware behind `first`, also where it was there before, as that of a pattern's namespaces is.
 *
 * A client whose middleware throws or rejects is refused, where Socket.IO would end the process.
 */
function run(namespace: Namespace, first: Middleware, { faults }: GatewayLayer): void {
  const running = namespace as unknown as Running;
  running.run = (socket, done) => {
    runMiddleware([first, ...running['_fns']], socket, done, (error) =>
      faults.report(`a middleware of ${namespace.name}`, 'use', error),
    );
  };
}

/** Nobody has seen the id yet, but for the namespace's list of those that are not connected. */
function rename(socket: Socket, id: string): void {
  const waiting = (socket.nsp as unknown as Running)['_preConnectSockets'];
  waiting.delete(socket.id);
  (socket as { id: string }).id = id;
  waiting.set(id, socket);
}

function mayBeTold(auth: object): boolean {
  try {
    const text = Buffer.from(JSON.stringify(auth));
    walkJson(text, authLimits);
    return text.length <= longestAuth;
  } catch {
    return false;
  }
}
