/** What a broadcast between nodes consists of. */
export interface BroadcastMessage {
  readonly packet: Packet;
  readonly rooms: readonly string[];
  readonly except: readonly string[];
  readonly flags: Readonly<Record<string, unknown>> | undefined;
}

export interface Packet {
  readonly type: number;
  readonly data: readonly unknown[];
  readonly nsp: string | undefined;
}

export type Fields = Readonly<Record<string, unknown>>;

/** The numbers that Socket.IO's Redis protocol gives to requests between nodes. */
export const requestTypes = {
  sockets: 0,
  allRooms: 1,
  join: 2,
  leave: 3,
  disconnect: 4,
  fetchSockets: 5,
  serverSideEmit: 6,
  broadcast: 7,
  clientCount: 8,
  broadcastAck: 9,
} as const;

/** More rooms than that are no address, and make no sense for a client to be in. */
const mostRooms = 100_000;

/** So many a request may have sockets join or leave: each of them does, and each room may be a subscription. */
const mostJoined = 1_000;

/** In characters. A room's name is kept for each of its members, and is a part of a channel's name. */
const longestRoom = 4_096;

const longestId = 256;

const eventPacket = 2;

/** Socket.IO's own events, which no server sends, and which a gateway would take for its own server's. */
const serverEvents = new Set<unknown>(['connect', 'connection', 'new_namespace']);

/** A client that is sent one of these takes the connection for broken. */
const clientEvents = new Set<unknown>([
  'connect',
  'connect_error',
  'disconnect',
  'disconnecting',
  'newListener',
  'removeListener',
]);

/**
 * Takes a decoded message for a broadcast, or refuses what would break the clients that get it or the node itself.
 *
 * @throws TypeError that says what is wrong.
 */
export function toBroadcast(message: unknown): BroadcastMessage {
  if (!Array.isArray(message)) throw new TypeError('it is no list');
  const [sender, packet, opts] = message as unknown[];
  if (typeof sender !== 'string') throw new TypeError('it does not say who sent it');
  if (!isRecord(opts)) throw new TypeError('it does not say to whom it goes');
  checkPacket(packet);
  const { rooms = [], except = [], flags } = opts;
  if (!areTargets(rooms) || !areTargets(except)) throw new TypeError('its rooms are no list of names');
  if (!isNothing(flags) && !isRecord(flags)) throw new TypeError('its flags are no map');
  return { packet, rooms, except, flags: flags ?? undefined };
}

/**
 * Refuses what the official adapter would take into the server although no server sends it: an event of Socket.IO's
 * own calls gateways without a client, and a room without a name breaks the client that leaves it.
 *
 * @throws TypeError that says what is wrong.
 */
export function checkRequest(request: unknown): asserts request is Fields {
  if (!isRecord(request)) throw new TypeError('it is no request');
  const { type, requestId, room, rooms, opts, data, packet } = request;
  if (!isNothing(requestId) && !isId(requestId)) throw new TypeError('its id is no text');
  if (!isNothing(opts) && !isRecord(opts)) throw new TypeError('it does not say to whom it goes');
  const { rooms: targets, except } = opts ?? {};
  if ((!isNothing(rooms) && !areRooms(rooms)) || !areTargets(targets) || !areTargets(except))
    throw new TypeError('its rooms are no list of names');
  if (room !== undefined && !isRoom(room)) throw new TypeError('its room has no name');
  switch (type) {
    case requestTypes.join:
    case requestTypes.leave:
      if (opts ? !Array.isArray(rooms) : room === undefined) throw new TypeError('it names no room');
      if (opts && (rooms as unknown[]).length > mostJoined)
        throw new RangeError(`it names more than ${mostJoined} rooms`);
      break;
    case requestTypes.fetchSockets:
    case requestTypes.broadcast:
      if (!opts || requestId === undefined) throw new TypeError('it cannot be answered');
      if (type === requestTypes.broadcast) checkPacket(packet);
      break;
    case requestTypes.serverSideEmit:
      if (!isServerEvent(data)) throw new TypeError('it raises an event that servers do not send');
      break;
  }
}

/** @throws TypeError that says what is wrong. */
export function checkAnswer(answer: unknown): asserts answer is Fields & { readonly requestId: string } {
  if (!isRecord(answer) || !isId(answer['requestId'])) throw new TypeError('it answers nothing');
  const { type, sockets, rooms, clientCount } = answer;
  if (sockets !== undefined && !(Array.isArray(sockets) && sockets.every(isSocket)))
    throw new TypeError('its sockets are no list of sockets');
  if (rooms !== undefined && !(Array.isArray(rooms) && rooms.every(isRoom)))
    throw new TypeError('its rooms are no list of names');
  if (type === requestTypes.clientCount && !(Number.isSafeInteger(clientCount) && (clientCount as number) >= 0))
    throw new TypeError('it counts no clients');
}

function checkPacket(packet: unknown): asserts packet is Packet {
  if (!isRecord(packet)) throw new TypeError('it has no packet');
  const { type, data, nsp, id } = packet;
  if (type !== eventPacket) throw new TypeError('its packet is no event');
  if (!Array.isArray(data) || !isEventName(data[0])) throw new TypeError('its packet has no event that servers send');
  if (nsp !== undefined && typeof nsp !== 'string') throw new TypeError('its namespace has no name');
  // It becomes a part of what a client reads.
  if (!isNothing(id) && !(Number.isSafeInteger(id) && (id as number) >= 0))
    throw new TypeError('its packet has no such number');
}

function isEventName(name: unknown): boolean {
  return typeof name === 'number' || (typeof name === 'string' && !clientEvents.has(name));
}

function isServerEvent(data: unknown): boolean {
  return Array.isArray(data) && typeof data[0] === 'string' && !serverEvents.has(data[0]);
}

/** Of one of its clients a node says all that a `RemoteSocket` has. */
function isSocket(socket: unknown): boolean {
  if (!isRecord(socket)) return false;
  const { id, handshake, rooms } = socket;
  return typeof id === 'string' && isRecord(handshake) && areRooms(rooms);
}

function areRooms(rooms: unknown): rooms is string[] {
  return Array.isArray(rooms) && rooms.length <= mostRooms && rooms.every(isRoom);
}

/** A room that somebody has left undefined by mistake is nobody's, and whoever asks for it is owed an answer. */
function areTargets(rooms: unknown): rooms is string[] {
  return isNothing(rooms) || areRooms(Array.isArray(rooms) ? rooms.filter((room) => !isNothing(room)) : rooms);
}

function isRoom(room: unknown): boolean {
  return typeof room === 'string' ? room.length <= longestRoom : typeof room === 'number';
}

function isId(id: unknown): id is string {
  return typeof id === 'string' && id !== '' && id.length <= longestId;
}

function isNothing(value: unknown): value is null | undefined {
  return value === null || value === undefined;
}

function isRecord(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
