import type { Server, ServerOptions, Socket } from 'socket.io';
import type { BroadcastPacket, Delivery, EncodedPacket, ServedGateway } from '../delivery.js';
import { resolveSlowClients, type SlowClientFigures, type SlowClientsOptions } from '../slow-clients.js';
import { CoalescingServer } from './coalescing-server.js';
import type { Droppable } from './droppable.js';
import { type EngineConnection, isBehind, wireTo } from './engine-connection.js';
import { frameOf } from './frame.js';
import { Message, toList } from './message.js';
import { Policies } from './policies.js';
import { type Engine, SlowClientKeeper } from './slow-client-keeper.js';
import { WakingClock } from './waking-clock.js';
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
  private readonly clock = new WakingClock();
  private readonly policies: Policies;
  private readonly keeper: SlowClientKeeper;

  /** @throws RangeError when an option is wrong. */
  constructor(slowClients: SlowClientsOptions = {}) {
    const options = resolveSlowClients(slowClients);
    this.policies = new Policies(options);
    this.keeper = new SlowClientKeeper(options, this.clock);
  }

  get slowClients(): SlowClientFigures {
    return this.keeper.figures;
  }

  attach({ engine }: Server, gateways: readonly ServedGateway[]): void {
    this.policies.declare(gateways);
    this.keeper.attach(engine as unknown as Engine);
  }

  adopt(socket: Socket): void {
    const client = socket.client as unknown as AdoptedClient;
    client.writeToEngine = writeToEngine;
    client.wire = client.conn.transport.socket?.wire;
    watch(client.conn);
    watch(client.conn.server);
  }

  message(encode: () => readonly EncodedPacket[] | EncodedPacket, packet: BroadcastPacket): Message {
    return new Message(encode, this.droppable(packet));
  }

  private droppable({ nsp, data, id }: BroadcastPacket): Droppable | undefined {
    const policy = this.policies.of(nsp);
    // Somebody waits for the answers of all.
    if (policy === 'disconnect' || id !== undefined) return undefined;
    return { policy, topic: `${nsp},${String(data[0])}`, sentAt: this.clock.now() };
  }
}

/** What is used of Socket.IO's client that it does not declare as public. */
interface AdoptedClient {
  readonly conn: EngineConnection;
  writeToEngine: typeof writeToEngine;
  /** The last one that packets went to. */
  wire: Wire | undefined;
}

type Packets = Message | readonly EncodedPacket[] | EncodedPacket;

interface WriteOptions {
  readonly volatile?: boolean;
}

function writeToEngine(this: AdoptedClient, packets: Packets, options: WriteOptions): void {
  const { conn } = this;
  if (options.volatile && isBehind(conn)) return;
  // Most of what a broadcast costs in memory that is read, so once in a turn is enough.
  const wire = this.wire?.isClear ? this.wire : wireTo(conn);
  const frame = wire && (packets instanceof Message ? packets.frame : frameOf(toList(packets)));
  if (!frame) {
    queue(conn, packets, options);
    return;
  }
  this.wire = wire;
  wire.push(frame, packets instanceof Message ? packets.droppable : undefined);
  wire.clear();
}

/** Of a message that the transport takes the first part of at once, the rest has to follow. */
function queue(conn: EngineConnection, packets: Packets, options: WriteOptions): void {
  const isWhole = packets instanceof Message && !conn.transport.writable;
  const queued = isWhole && packets.droppable ? { ...options, droppable: packets.droppable } : options;
  for (const packet of packets instanceof Message ? packets.packets : toList(packets)) conn.write(packet, queued);
}
