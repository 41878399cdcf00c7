import type { Namespace, Server, Socket } from 'socket.io';
import { CarrierAdapter } from './carrier-adapter.js';

/**
 * Lets nothing be said of a client's rooms before they hear the other nodes.
 *
 * A client whose `connect` or acknowledged `join` has arrived may tell anybody to send to it, through any node. So
 * both wait for the subscriptions under way; where none are, nothing waits.
 */
export function gateSubscriptions(server: Server): void {
  server.use(admit);
  server.on('new_namespace', (namespace: Namespace) => void namespace.use(admit));
}

function admit(socket: Socket, next: () => void): void {
  const { adapter } = socket.nsp;
  if (!(adapter instanceof CarrierAdapter)) return next();
  socket.use((packet, proceed) => {
    holdAcknowledgement(packet, () => adapter.pendingOf(socket.id));
    proceed();
  });
  const pending = adapter.admit(socket.id);
  if (pending) void pending.then(() => next());
  else next();
}

function holdAcknowledgement(packet: unknown[], pending: () => Promise<unknown> | undefined): void {
  const acknowledge = packet.at(-1);
  if (typeof acknowledge !== 'function') return;
  packet[packet.length - 1] = (...results: unknown[]): void => {
    const wait = pending();
    if (wait) void wait.then(() => Reflect.apply(acknowledge, undefined, results));
    else Reflect.apply(acknowledge, undefined, results);
  };
}
