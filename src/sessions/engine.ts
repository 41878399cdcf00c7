import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Server } from 'socket.io';

/** What is used of Engine.IO, which Socket.IO hands out untyped. */
export interface Engine {
  readonly clients: Readonly<Record<string, { readonly transport: Transport }>>;
  generateId: () => string;
  handleRequest: (request: IncomingMessage, response: ServerResponse) => void;
  handleUpgrade: (request: IncomingMessage, socket: Duplex, head: Buffer) => void;
  /** Parses the query, once for each request. */
  prepare(request: IncomingMessage): void;
}

interface Transport {
  readonly name: string;
  /** Of polling: whether a poll waits for an answer. */
  readonly writable: boolean;
  send(packets: readonly { readonly type: 'noop' }[]): void;
}

export function engineOf({ engine }: Server): Engine {
  return engine as unknown as Engine;
}

/** The session id that a request names, as Engine.IO reads it. */
export function sessionIdOf(engine: Engine, request: IncomingMessage): string | undefined {
  engine.prepare(request);
  const query = '_query' in request ? (request['_query'] as Readonly<Record<string, string>>) : {};
  return query['sid'] || undefined;
}

export function hasSession({ clients }: Engine, id: string): boolean {
  return Object.hasOwn(clients, id);
}

/** Answers the poll of a session that waits, with nothing, so that its client asks again. */
export function answerPoll({ clients }: Engine, id: string): void {
  const transport = Object.hasOwn(clients, id) ? clients[id]!.transport : undefined;
  if (transport?.name === 'polling' && transport.writable) transport.send([{ type: 'noop' }]);
}
