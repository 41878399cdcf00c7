/** Socket.IO's own events, which no server sends, and which a gateway would take for its own server's. */
const reservedEvents = new Set<unknown>(['connect', 'connection', 'new_namespace']);

const serverSideEmit = 6;

/**
 * Refuses what the official adapter would take into the server although no server sends it: an event of Socket.IO's
 * own calls gateways without a client, and a room without a name breaks the client that leaves it.
 *
 * @throws TypeError that says what is wrong.
 */
export function checkRequest(request: unknown): void {
  if (!isRecord(request)) throw new TypeError('it is no request');
  const { type, room, rooms, opts, data } = request;
  const { rooms: targets, except } = isRecord(opts) ? opts : {};
  if (!areRooms(rooms) || !areTargets(targets) || !areTargets(except))
    throw new TypeError('its rooms are no list of names');
  if (room !== undefined && !isRoom(room)) throw new TypeError('its room has no name');
  if (type === serverSideEmit && !isServerEvent(data))
    throw new TypeError('it raises an event that servers do not send');
}

function isServerEvent(data: unknown): boolean {
  return Array.isArray(data) && typeof data[0] === 'string' && !reservedEvents.has(data[0]);
}

function areRooms(rooms: unknown): boolean {
  return rooms === undefined || (Array.isArray(rooms) && rooms.every(isRoom));
}

/** A room that somebody has left undefined by mistake is nobody's, and whoever asks for it is owed an answer. */
function areTargets(rooms: unknown): boolean {
  return areRooms(Array.isArray(rooms) ? rooms.filter((room) => room !== null && room !== undefined) : rooms);
}

function isRoom(room: unknown): boolean {
  return typeof room === 'string' || typeof room === 'number';
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}
