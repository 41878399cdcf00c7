import { Logger } from '@nestjs/common';
import { RedisAdapter } from '@socket.io/redis-adapter';
import type { Namespace, Socket } from 'socket.io';
import type { BroadcastOptions, Room, SocketId } from 'socket.io-adapter';
import type { Carrier } from '../carrier.js';
import type { Delivery, EncodedPacket } from '../delivery.js';
import type { FencedMessage } from '../fenced-message.js';
import type { Publisher, RedisRequest } from '../publisher.js';
import { within } from '../within.js';
import type { ChannelRouter } from './channel-router.js';
import { RedisFace, type Routing } from './redis-face.js';
import { RoomChannels } from './room-channels.js';
import { everybody, RoomMembers } from './room-members.js';

export interface CarrierAdapterOptions {
  readonly carrier: Carrier;
  readonly router: ChannelRouter;
  readonly publisher: Publisher;
  /** Brings packets to this node's clients. Without one Socket.IO does so itself. */
  readonly delivery: Delivery | undefined;
  /** Prefix of every channel. */
  readonly key: string;
  readonly routing: Routing;
  readonly onFenced: ((namespace: string, message: FencedMessage) => void) | undefined;
  /** How long a request to the other nodes waits for their answers. */
  readonly requestsTimeoutMs: number;
  /** How long an acknowledgement, an awaited `join` or a connecting client waits for a subscription. */
  readonly subscribeTimeoutMs: number;
}

/**
 * The official Redis adapter over a {@link Carrier}: its wire protocol to the letter, but a process hears only of the
 * rooms that it holds, and what concerns its own clients never waits for Redis.
 */
export class CarrierAdapter extends RedisAdapter {
  private readonly logger = new Logger(CarrierAdapter.name);
  private readonly roomChannels: RoomChannels | undefined;
  private readonly face: RedisFace;
  private readonly members: RoomMembers | undefined;
  /** Begins the ids of clients that need no channels of their own. */
  private tag: string | undefined;
  private isLive = false;

  constructor(
    nsp: Namespace,
    private readonly options: CarrierAdapterOptions,
    private readonly onClosed: () => void = () => {},
  ) {
    const { onFenced } = options;
    const face = new RedisFace({ ...options, onFenced: onFenced && ((message) => onFenced(nsp.name, message)) });
    super(nsp, face, face, { key: options.key, requestsTimeout: options.requestsTimeoutMs });
    this.face = face;
    face.decode = (request) =>
      (request[0] === 0x7b ? JSON.parse(request.toString()) : this.parser.decode(request)) as RedisRequest;
    face.ignore(this.uid);
    if (options.routing === 'rooms') this.roomChannels = this.followRooms();
    if (options.delivery) this.members = this.deliverBy(options.delivery);
  }

  /** Resolves once the namespace hears the other nodes. */
  ready(): Promise<void> {
    return this.face.ready();
  }

  /** The id to give to a new client, so that messages to it arrive without a channel of its own. */
  tagged(id: SocketId): SocketId {
    return `${this.tag ?? ''}${id}`;
  }

  /**
   * Has a client that is about to connect hear the other nodes. Whoever learns its id may send to it at once.
   * Returns nothing when there is no need to wait.
   */
  admit(id: SocketId): Promise<unknown> | undefined {
    if (this.isTagged(id)) return this.isLive ? undefined : this.untilLive();
    this.roomChannels?.open(id);
    return this.pending([id]);
  }

  /** What the client's rooms still wait for; nothing when all are live, or while Redis is away. */
  pendingOf(id: SocketId): Promise<unknown> | undefined {
    return this.roomChannels?.isOpening ? this.pending(this.sids.get(id) ?? []) : undefined;
  }

  /** The promise, which `socket.join()` returns, resolves once messages to the rooms arrive from every node. */
  override addAll(id: SocketId, rooms: Set<Room>): Promise<void> | void {
    if (!this.sids.has(id)) this.members?.populationChanged();
    void super.addAll(id, rooms);
    return this.pending(rooms)?.then(() => {});
  }

  override delAll(id: SocketId): void {
    super.delAll(id);
    this.members?.populationChanged();
    // A client that a middleware refused was admitted, but never joined its own room.
    if (!this.rooms.has(id)) this.roomChannels?.shut(id);
  }

  override addSockets(opts: BroadcastOptions, rooms: Room[]): void {
    super.addSockets(opts, rooms);
    if (!opts.flags?.local) super.addSockets(onlyHere(opts), rooms);
  }

  override delSockets(opts: BroadcastOptions, rooms: Room[]): void {
    super.delSockets(opts, rooms);
    if (!opts.flags?.local) super.delSockets(onlyHere(opts), rooms);
  }

  override disconnectSockets(opts: BroadcastOptions, close: boolean): void {
    super.disconnectSockets(opts, close);
    if (!opts.flags?.local) super.disconnectSockets(onlyHere(opts), close);
  }

  /**
   * Counts processes: of two servers in one process that share a namespace's name, one answer may be missed, as with
   * the official adapter. Without an answer, as while Redis is away, only this node can be counted on.
   */
  override async serverCount(): Promise<number> {
    try {
      return await this.options.carrier.subscribers(`${this.options.key}-request#${this.nsp.name}#`);
    } catch (error) {
      this.logger.warn(`cannot ask the other nodes (${(error as Error).message}): only this one answers`);
      return 1;
    }
  }

  override close(): void {
    void super.close();
    this.roomChannels?.close();
    this.onClosed();
  }

  /** What the base class broadcasts by is private to it in TypeScript. */
  private deliverBy(delivery: Delivery): RoomMembers {
    const members = new RoomMembers(this.nsp, this.rooms, this.sids);
    const inside = this as unknown as Inside;
    const apply = inside.apply.bind(this);
    let encode: (() => void) | undefined;
    inside['_encode'] = (packet) => {
      let encoded: Encoded | undefined;
      const encodeOnce = (): Encoded => (encoded ??= inside.encoder.encode(packet));
      encode = encodeOnce;
      return delivery.message(encodeOnce);
    };
    inside.apply = (opts, visit) => {
      const { rooms, except } = opts;
      const encodeFirst = encode;
      encode = undefined;
      // Before a client's listeners see the arguments, which they may change, and before anything is noted of a client
      // where the arguments cannot be encoded.
      const visitEncoded = encodeFirst ? (socket: Socket): void => (encodeFirst(), visit(socket)) : visit;
      if (except?.size || rooms.size > 1) return apply(opts, visitEncoded);
      if (rooms.size === 0) members.visit(everybody, visitEncoded);
      for (const room of rooms) members.visit(room, visitEncoded);
    };
    this.on('join-room', (room: Room) => members.changed(room));
    this.on('leave-room', (room: Room) => members.changed(room));
    return members;
  }

  private followRooms(): RoomChannels {
    const { router, key, subscribeTimeoutMs } = this.options;
    const prefix = `${key}#${this.nsp.name}#`;
    if (router.mayTake(prefix + router.tag)) {
      this.tag = router.tag;
      this.face.subscribePrefix(prefix + router.tag);
      void this.ready().then(() => (this.isLive = true));
    }
    const isCovered = (room: unknown): boolean => this.isTagged(String(room));
    const channels = new RoomChannels(router, prefix, this.face.hearBroadcast, subscribeTimeoutMs, isCovered);
    this.on('create-room', (room: Room) => channels.open(room));
    this.on('delete-room', (room: Room) => {
      if (!this.holds(room)) channels.shut(room);
    });
    return channels;
  }

  /** A numeric room and the same room as a string share a channel. */
  private holds(room: Room | number): boolean {
    const rooms = this.rooms as Map<Room | number, Set<SocketId>>;
    const name = String(room);
    return rooms.has(name) || (String(Number(name)) === name && rooms.has(Number(name)));
  }

  private isTagged(room: Room): boolean {
    return this.tag !== undefined && room.startsWith(this.tag);
  }

  private untilLive(): Promise<unknown> | undefined {
    const { carrier, subscribeTimeoutMs } = this.options;
    return carrier.health.state === 'connected' ? within(subscribeTimeoutMs, this.ready(), () => {}) : undefined;
  }

  private pending(rooms: Iterable<Room>): Promise<unknown> | undefined {
    if (!this.roomChannels || this.options.carrier.health.state !== 'connected') return undefined;
    const pending = this.roomChannels.pending(rooms);
    return pending.length > 0 ? Promise.all(pending) : undefined;
  }
}

type Encoded = EncodedPacket[] | EncodedPacket;

/** What is used of the base class that its types keep private. */
interface Inside {
  readonly encoder: { encode(packet: unknown): Encoded };
  _encode(packet: unknown): unknown;
  apply(opts: BroadcastOptions, visit: (socket: Socket) => void): void;
}

function onlyHere(opts: BroadcastOptions): BroadcastOptions {
  return { ...opts, flags: { ...opts.flags, local: true } };
}
