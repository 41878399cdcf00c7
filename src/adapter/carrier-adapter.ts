import { randomBytes } from 'node:crypto';
import { inspect } from 'node:util';
import { RedisAdapter } from '@socket.io/redis-adapter';
import type { Namespace, Socket } from 'socket.io';
import type { BroadcastOptions, Room, SocketId } from 'socket.io-adapter';
import type { Carrier } from '../carrier.js';
import type { BroadcastPacket, Delivery, EncodedPacket } from '../delivery.js';
import { MissingAnswersError } from '../errors.js';
import type { FencedMessage } from '../fenced-message.js';
import type { Publisher } from '../publisher.js';
import { RareLog } from '../rare-log.js';
import { within } from '../within.js';
import { AckCount } from './ack-count.js';
import type { ChannelRouter } from './channel-router.js';
import { type BroadcastMessage, type Fields, requestTypes } from './message-check.js';
import { type Answer, MessageReader } from './message-reader.js';
import { OpenRequests } from './open-requests.js';
import type { Absent } from './poll.js';
import type { ProcessDirectory } from './process-directory.js';
import { RedisFace, type Routing } from './redis-face.js';
import { RoomChannels } from './room-channels.js';
import { everybody, RoomMembers } from './room-members.js';

export interface CarrierAdapterOptions {
  readonly carrier: Carrier;
  readonly router: ChannelRouter;
  readonly publisher: Publisher;
  readonly directory: ProcessDirectory;
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
  private readonly log = new RareLog(CarrierAdapter.name);
  private readonly prefix: string;
  private readonly requestsTo: string;
  private readonly openRequests: OpenRequests;
  /**
   * What `serverCount()` says right behind a broadcast with acknowledgements, where Socket.IO asks how many nodes to wait
   * for: resolves once there is nobody left to wait for, with how many have answered.
   */
  private answeringNodes: Promise<number> | undefined;
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
    const { key, carrier, directory } = options;
    this.prefix = `${key}#${nsp.name}#`;
    this.requestsTo = `${key}-request#${nsp.name}#`;
    const answers = `${key}-response#${nsp.name}#`;
    const channelOf = (tag: string): string => `${answers}${tag}#`;
    this.openRequests = new OpenRequests({
      carrier,
      directory,
      requestChannel: this.requestsTo,
      channelOf,
      onAlone: (reason) => this.sayAlone(reason),
    });
    face.subscribeAnswers([channelOf(directory.own.tag)]);
    face.serve({
      uid: this.uid as string,
      answers,
      process: directory.own,
      reader: new MessageReader((message) => this.parser.decode(message)),
      concerns: (channel) => this.concerns(channel),
      onBroadcast: (message) => this.hear(message),
      awaitsAnswers: () => !this.openRequests.isEmpty,
      onAnswer: (answer) => this.openRequests.hear(answer),
    });
    if (options.routing === 'rooms') this.roomChannels = this.followRooms();
    void this.ready().then(() => (this.isLive = true));
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
    if (!this.roomChannels || this.isTagged(id)) return this.isLive ? undefined : this.untilLive();
    this.roomChannels.open(id);
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
   * The matching sockets of all nodes.
   *
   * @throws MissingAnswersError when not every node has answered in time; its `responses` are this node's sockets, and of
   * each one elsewhere that is known, its `id`, `handshake`, `rooms` and `data`.
   */
  override async fetchSockets(opts: BroadcastOptions): Promise<unknown[]> {
    const here: unknown[] = await super.fetchSockets(onlyHere(opts));
    if (opts.flags?.local) return here;
    const found = new Map<string, unknown>();
    const request = { type: requestTypes.fetchSockets, opts: addressOf(opts) };
    const timeoutMs = opts.flags?.timeout ?? this.requestsTimeout;
    const absent = await this.ask(request, timeoutMs, ({ fields }) => {
      for (const socket of (fields['sockets'] ?? []) as { readonly id: string }[]) found.set(socket.id, socket);
    });
    const sockets = [...here, ...found.values()];
    if (absent.count > 0) throw toError(sockets, absent, timeoutMs);
    return sockets;
  }

  override async allRooms(): Promise<Set<Room>> {
    const rooms = new Set(this.rooms.keys());
    const absent = await this.ask({ type: requestTypes.allRooms }, this.requestsTimeout, ({ fields }) => {
      for (const room of (fields['rooms'] ?? []) as Room[]) rooms.add(room);
    });
    if (absent.count > 0) throw toError([...rooms], absent, this.requestsTimeout);
    return rooms;
  }

  /** What an acknowledgement at its end gets, when not every node has answered in time, is a {@link MissingAnswersError}. */
  override serverSideEmit(packet: unknown[]): void {
    const acknowledge = packet.at(-1);
    if (typeof acknowledge !== 'function') return super.serverSideEmit(packet);
    const responses: unknown[] = [];
    const request = { type: requestTypes.serverSideEmit, data: packet.slice(0, -1) };
    void this.ask(request, this.requestsTimeout, ({ fields }) => void responses.push(fields['data'])).then((absent) => {
      const error = absent.count > 0 ? toError(responses, absent, this.requestsTimeout) : null;
      this.guarded(() => void acknowledge(error, responses));
    });
  }

  override broadcastWithAck(
    packet: Record<string, unknown>,
    opts: BroadcastOptions,
    onClientCount: (clients: number) => void,
    acknowledge: (...args: unknown[]) => void,
  ): void {
    packet['nsp'] = this.nsp.name;
    const counts = new AckCount();
    const tell = (tag: string | undefined, clients: number): void => {
      counts.expect(tag, clients);
      onClientCount(clients);
    };
    const take = (tag: string | undefined, ...answer: unknown[]): void => {
      counts.take(tag);
      this.guarded(() => acknowledge(...answer));
    };
    const isLocal = opts.flags?.local === true;
    const requestId = newId();
    const question = isLocal ? undefined : this.askClients(requestId, packet, opts, counts, { tell, take });
    super.broadcastWithAck(
      packet,
      onlyHere(opts),
      (clients) => tell(undefined, clients),
      (...answer) => {
        take(undefined, ...answer);
        this.openRequests.check(requestId);
      },
    );
    this.openRequests.check(requestId);
    this.answeringNodes =
      question?.then(() => {
        // Of who has died meanwhile no client answers any more.
        if (counts.forgiven > 0) tell(undefined, -counts.forgiven);
        return counts.nodes;
      }) ?? Promise.resolve(1);
    queueMicrotask(() => (this.answeringNodes = undefined));
  }

  /**
   * Counts processes: of two servers in one process that share a namespace's name, one answer may be missed, as with
   * the official adapter. Without an answer, as while Redis is away, only this node can be counted on.
   */
  override serverCount(): Promise<number> {
    return this.answeringNodes ?? this.openRequests.present();
  }

  override close(): void {
    void super.close();
    this.openRequests.close();
    this.roomChannels?.close();
    this.onClosed();
  }

  private ask(request: Fields, timeoutMs: number, onAnswer: (answer: Answer) => void): Promise<Absent> {
    const requestId = newId();
    // Nodes know their own requests by how they begin.
    const message = JSON.stringify({ uid: this.uid as string, requestId, ...request });
    const publish = (): void => this.face.publish(this.requestsTo, message);
    return this.openRequests.ask({ requestId, publish, timeoutMs, onAnswer });
  }

  /**
   * Resolves once no client of another node owes an acknowledgement, or when the time is up. What cannot be encoded is
   * thrown at once, at whoever broadcasts it.
   */
  private askClients(
    requestId: string,
    packet: Fields,
    opts: BroadcastOptions,
    counts: AckCount,
    { tell, take }: AckListener,
  ): Promise<void> {
    const timeoutMs = opts.flags?.timeout ?? 0;
    const { broadcast: type, clientCount } = requestTypes;
    const address = { ...addressOf(opts), flags: opts.flags };
    const message = this.parser.encode({ uid: this.uid as string, requestId, type, packet, opts: address }) as Buffer;
    const asked = this.openRequests.ask({
      requestId,
      publish: () => this.face.publish(this.requestsTo, message),
      timeoutMs,
      isFinal: ({ fields }) => fields['type'] === clientCount,
      onAnswer: ({ from, fields }) => {
        if (fields['type'] === clientCount) tell(from, fields['clientCount'] as number);
        else take(from, fields['packet']);
      },
      isSettled: (isThere) => counts.isSettled(isThere),
    });
    return asked.then(({ count, names }) => {
      if (count === 0) return;
      const who = names.length > 0 ? names.join(', ') : 'nodes that are not known by name';
      this.log.warn('acknowledgements', () => `a broadcast with acknowledgements got no answer from ${who}`);
    });
  }

  /** Whether messages on a channel of the namespace can be for clients of this node. */
  private concerns(channel: string): boolean {
    const room = channel.slice(this.prefix.length, -1);
    return room === '' || this.holds(room);
  }

  private hear({ packet, rooms, except, flags }: BroadcastMessage): void {
    // The channel of a room may be that of another namespace as well.
    if ((packet.nsp ?? '/') !== this.nsp.name) return;
    super.broadcast(packet, onlyHere({ rooms: new Set(rooms), except: new Set(except), flags: flags ?? {} }));
  }

  /** What a team's own callback throws ends no worker. */
  private guarded(call: () => void): void {
    try {
      call();
    } catch (error) {
      this.log.warn('callbacks', () => `a callback for acknowledgements failed: ${inspect(error)}`);
    }
  }

  private sayAlone(reason: string): void {
    this.log.warn('alone', () => `not all nodes can be asked: ${reason}`);
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
      return delivery.message(encodeOnce, packet);
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
    return mayWait(carrier) ? within(subscribeTimeoutMs, this.ready(), () => {}) : undefined;
  }

  private pending(rooms: Iterable<Room>): Promise<unknown> | undefined {
    if (!this.roomChannels || !mayWait(this.options.carrier)) return undefined;
    const pending = this.roomChannels.pending(rooms);
    return pending.length > 0 ? Promise.all(pending) : undefined;
  }
}

type Encoded = EncodedPacket[] | EncodedPacket;

/** What is used of the base class that its types keep private. */
interface Inside {
  readonly encoder: { encode(packet: unknown): Encoded };
  _encode(packet: BroadcastPacket): unknown;
  apply(opts: BroadcastOptions, visit: (socket: Socket) => void): void;
}

interface AckListener {
  /** A node has so many clients that will acknowledge. */
  readonly tell: (tag: string | undefined, clients: number) => void;
  readonly take: (tag: string | undefined, ...answer: unknown[]) => void;
}

function newId(): string {
  return randomBytes(6).toString('base64url');
}

function addressOf({ rooms, except = new Set() }: BroadcastOptions) {
  return { rooms: [...rooms], except: [...except] };
}

function toError(
  responses: readonly unknown[],
  { count, names, answers }: Absent,
  timeoutMs: number,
): MissingAnswersError {
  return new MissingAnswersError(responses, names, answers, answers + count, timeoutMs);
}

/** While nobody can be heard, nobody is waited for. */
function mayWait({ health: { state } }: Carrier): boolean {
  return state === 'connected' || state === 'degraded';
}

function onlyHere(opts: BroadcastOptions): BroadcastOptions {
  return { ...opts, flags: { ...opts.flags, local: true } };
}
