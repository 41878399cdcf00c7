import type { ServerOptions, Socket } from 'socket.io';
import type { Delivery, EncodedPacket } from '../delivery.js';
import { CoalescingServer } from './coalescing-server.js';
import { type EngineConnection, isBehind, wireTo } from './engine-connection.js';
import { frameOf } from './frame.js';
import { Message, toList } from './message.js';
import { watch } from './watched.js';
import type { Wire } from './wire.js';

/**
 * Writes to each client once per turn of the event loop, whatever it was sent during it, and takes packets to open
 * WebSockets past Engine.IO's queue where that is empty.
 *
 * The idea is that of µWebSockets' corking: https://github.com/uNetworking/uWebSockets
 */
export class CoalescedDelivery implements Delivery {
  readonly serverOptions: Partial<ServerOptions> = { wsEngine: CoalescingServer };

  adopt(socket: Socket): void {
    const client = socket.client as unknown as AdoptedClient;
    client.writeToEngine = writeToEngine;
    client.wire = client.conn.transport.socket?.wire;
    watch(client.conn);
    watch(client.conn.server);
  }

  message(encode: () => readonly EncodedPacket[] | EncodedPacket): Message {
    return new Message(encode);
  }
}

/** What is used of Socket.IO's client that it does not declare as public. */
interface AdoptedClient {
  readonly conn: EngineConnection;
  writeToEngine: typeof writeToEngine;
  /** The last one that packets went to. */
  wire: Wire | undefined;
}

interface WriteOptions {
  readonly volatile?: boolean;
}

function writeToEngine(
  this: AdoptedClient,
  packets: Message | readonly EncodedPacket[] | EncodedPacket,
  options: WriteOptions,
): void {
  const { conn } = this;
  if (options.volatile && isBehind(conn)) return;
  // Most of what a broadcast costs in memory that is read, so once in a turn is enough.
  const wire = this.wire?.isClear ? this.wire : wireTo(conn);
  const frame = wire && (packets instanceof Message ? packets.frame : frameOf(toList(packets)));
  if (!frame) {
    for (const packet of packets instanceof Message ? packets.packets : toList(packets)) conn.write(packet, options);
    return;
  }
  this.wire = wire;
  wire.push(frame);
  wire.clear();
}
