import type { Namespace, Server, Socket } from 'socket.io';
import { CarrierAdapter } from './carrier-adapter.js';
import type { Unanswered } from './unanswered.js';

/**
 * Lets nothing be said of a client's rooms before they hear the other nodes, and keeps count of what is owed to it.
 *
 * A client whose `connect` or acknowledged `join` has arrived may tell anybody to send to it, through any node. So
 * both wait for the subscriptions under way; where none are, nothing waits.
 */
export function gateSubscriptions(server: Server, unanswered: Unanswered): void {
  const admit = (socket: Socket, next: () => void): void => {
    const { adapter } = socket.nsp;
    if (!(adapter instanceof CarrierAdapter)) return next();
    socket.use((packet, proceed) => {
      holdAcknowledgement(packet, socket, adapter, unanswered);
      proceed();
    });
    const pending = adapter.admit(socket.id);
    if (pending) void pending.then(() => next());
    else next();
  };
  server.use(admit);
  server.on('new_namespace', (namespace: Namespace) => void namespace.use(admit));
}

function holdAcknowledgement(
  packet: unknown[],
  { conn, id }: Socket,
  adapter: CarrierAdapter,
  unanswered: Unanswered,
): void {
  const acknowledge = packet.at(-1);
  if (typeof acknowledge !== 'function') return;
  unanswered.owe(conn);
  let answered = false;
  const answer = (results: unknown[]): void => {
    Reflect.apply(acknowledge, undefined, results);
    if (!answered) unanswered.pay(conn);
    answered = true;
  };
  packet[packet.length - 1] = (...results: unknown[]): void => {
    const wait = adapter.pendingOf(id);
    if (wait) void wait.then(() => answer(results));
    else answer(results);
  };
}
