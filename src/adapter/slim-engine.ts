import { type EventEmitter } from 'node:events';
import { type IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** What is used of Engine.IO, which Socket.IO hands out untyped. */
interface Engine extends EventEmitter {
  readonly middlewares: readonly unknown[];
  _applyMiddlewares(request: IncomingMessage, response: Response, done: (error?: unknown) => void): void;
}

/** An upgrade's is Engine.IO's own. It tells middleware of the connection's end, for which it listens to the socket. */
type Response = ServerResponse | (EventEmitter & { readonly socket: Socket });

interface Connection {
  cleanupFn: readonly (() => void)[];
  readonly transport: { readonly name: string; readonly socket?: EventEmitter };
}

/**
 * Has Engine.IO keep less for each client, about 0.9 KB for as long as it is connected. It lets go of what is of no use
 * once the client has connected: an upgrade's response, where there is no middleware that it was shown to, and what
 * takes the errors of a WebSocket until its transport does.
 */
export function slimEngine(engine: Engine): void {
  const applyMiddlewares = engine['_applyMiddlewares'].bind(engine);
  engine['_applyMiddlewares'] = (request, response, done) => {
    if (engine.middlewares.length === 0 && !(response instanceof ServerResponse)) dropResponse(response.socket);
    applyMiddlewares(request, response, done);
  };
  engine.on('connection', (connection: Connection) => {
    const { transport, cleanupFn } = connection;
    // V8 holds room for sixteen more in what was pushed to.
    connection.cleanupFn = cleanupFn.slice();
    if (transport.name === 'websocket' && transport.socket) dropFirstErrorListener(transport.socket);
  });
}

/** The response was made in the same call, so its listener is the last one. */
function dropResponse(socket: Socket): void {
  const last = socket.listeners('close').at(-1);
  if (last) socket.off('close', last as () => void);
}

function dropFirstErrorListener(webSocket: EventEmitter): void {
  const [first, ...others] = webSocket.listeners('error');
  if (first?.name === 'onUpgradeError' && others.length > 0) webSocket.off('error', first as () => void);
}
