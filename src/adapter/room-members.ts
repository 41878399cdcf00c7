import type { Namespace, Socket } from 'socket.io';
import type { Room, SocketId } from 'socket.io-adapter';

/** Where the members of a room are few, looking each up costs no more than remembering them. */
const worthRemembering = 16;

const everybody = Symbol('everybody');

interface Members {
  readonly sockets: readonly Socket[];
  /** Whether somebody has come or gone since. */
  isOld: boolean;
}

/** The sockets in a room, or in the whole namespace, looked up again only after somebody came or went. */
export class RoomMembers {
  private readonly known = new Map<Room | typeof everybody, Members>();

  constructor(
    private readonly nsp: Namespace,
    private readonly rooms: ReadonlyMap<Room, ReadonlySet<SocketId>>,
    private readonly sids: ReadonlyMap<SocketId, unknown>,
  ) {}

  /** Calls `visit` with each socket of the room, or of the namespace where no room is named. */
  visit(room: Room | undefined, visit: (socket: Socket) => void): void {
    const members = this.known.get(room ?? everybody) ?? this.lookUp(room);
    for (const socket of members?.sockets ?? []) {
      if (!members!.isOld || this.isMember(socket, room)) visit(socket);
    }
  }

  /** Somebody has come into the room or has left it. */
  changed(room: Room): void {
    this.forget(room);
  }

  /** Somebody has come into the namespace or has left it. */
  populationChanged(): void {
    this.forget(everybody);
  }

  private forget(key: Room | typeof everybody): void {
    const members = this.known.get(key);
    if (!members) return;
    members.isOld = true;
    this.known.delete(key);
  }

  private lookUp(room: Room | undefined): Members | undefined {
    const ids = room === undefined ? this.sids : this.rooms.get(room);
    if (!ids) return undefined;
    const sockets: Socket[] = [];
    for (const id of ids.keys()) {
      const socket = this.nsp.sockets.get(id);
      if (socket) sockets.push(socket);
    }
    const members = { sockets, isOld: false };
    // Who is not there yet has joined while it connects, and is found the next time.
    if (sockets.length === ids.size && ids.size >= worthRemembering) this.known.set(room ?? everybody, members);
    return members;
  }

  private isMember(socket: Socket, room: Room | undefined): boolean {
    const ids = room === undefined ? this.sids : this.rooms.get(room);
    return ids?.has(socket.id) === true && this.nsp.sockets.has(socket.id);
  }
}
