import type { EventEmitter } from 'node:events';
import type { ServerResponse } from 'node:http';
import type { EncodedPacket } from '../delivery.js';
import type { QueuedPacket } from './engine-queue.js';
import { isWatched, type Watchable } from './watched.js';
import type { Wire } from './wire.js';

/** What is used of an Engine.IO connection. */
export interface EngineConnection extends Watchable {
  readonly readyState: string;
  readonly protocol: number;
  /** What Engine.IO could not give to the transport yet: between two polls, or while a transport is upgraded. */
  readonly writeBuffer: QueuedPacket[];
  readonly server: Watchable;
  readonly transport: EngineTransport;
  write(packet: EncodedPacket, options: object): void;
  /** Everything that enters the queue passes it. */
  sendPacket(...packet: unknown[]): void;
  onClose(reason: string): void;
}

export interface EngineTransport extends EventEmitter {
  readonly name: string;
  readonly writable: boolean;
  readonly perMessageDeflate?: unknown;
  /** Of a WebSocket. */
  readonly socket?: { readonly wire?: Wire; readonly bufferedAmount?: number; terminate(): void };
  /** Of long-polling: the poll that waits for an answer. */
  readonly req?: unknown;
  readonly res?: ServerResponse | null;
}

/** What may wait for a client that is keeping up: as much as Node lets a stream hold before it asks for patience. */
const keepingUpBytes = 16 * 1024;

/**
 * Where packets to this client may go at once: nothing that Engine.IO holds would be overtaken (what it has given to its
 * transport is in the wire already), nothing has to be compressed, and nobody wants to see each packet.
 */
export function wireTo(conn: EngineConnection): Wire | undefined {
  const { transport } = conn;
  const isDirect =
    conn.readyState === 'open' &&
    conn.writeBuffer.length === 0 &&
    !transport.perMessageDeflate &&
    conn.protocol === 4 &&
    !isWatched(conn) &&
    !isWatched(conn.server);
  return isDirect ? transport.socket?.wire : undefined;
}

/** Whether the client leaves bytes waiting in this process, other than those of this turn. */
export function isBehind({ transport, writeBuffer }: EngineConnection): boolean {
  const { name, socket, writable } = transport;
  if (name !== 'polling' && socket?.bufferedAmount === undefined) return !writable;
  let waiting = (socket?.bufferedAmount ?? 0) + (socket?.wire?.heldBack?.length ?? 0);
  for (const { data } of writeBuffer) {
    if (waiting > keepingUpBytes) break;
    waiting += typeof data === 'string' ? data.length : (data?.byteLength ?? 0);
  }
  return waiting > keepingUpBytes;
}
