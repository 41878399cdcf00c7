import type { Namespace, Socket } from 'socket.io';
import type { Room, SocketId } from 'socket.io-adapter';

/** Where the members of a room are few, looking each up costs no more than remembering them. */
const worthRemembering = 16;

/** In the place of a room: the whole namespace. No room can be named so, `undefined` by mistake included. */
export const everybody = Symbol('everybody');

type Group = Room | typeof everybody;

interface Members {
  readonly sockets: readonly Socket[];
  /** Whether somebody may have come or gone since. */
  isOld: boolean;
}

/** The sockets in a room, or in the whole namespace, looked up again only after somebody came or went. */
export class RoomMembers {
  private readonly known = new Map<Group, Members>();

  constructor(
    private readonly nsp: Namespace,
    private readonly rooms: ReadonlyMap<Room, ReadonlySet<SocketId>>,
    private readonly sids: ReadonlyMap<SocketId, unknown>,
  ) {}

  /** Calls `visit` with each socket of the group that is still in it by then. */
  visit(group: Group, visit: (socket: Socket) => void): void {
    const members = this.known.get(group) ?? this.lookUp(group);
    for (const socket of members?.sockets ?? []) {
      if (!members!.isOld || this.isMember(socket, group)) visit(socket);
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

  private forget(group: Group): void {
    const members = this.known.get(group);
    if (!members) return;
    members.isOld = true;
    this.known.delete(group);
  }

  private lookUp(group: Group): Members | undefined {
    const ids = this.idsOf(group);
    if (!ids) return undefined;
    const sockets: Socket[] = [];
    for (const id of ids.keys()) {
      const socket = this.nsp.sockets.get(id);
      if (socket) sockets.push(socket);
    }
    // Who is not there yet has joined while it connects, and is found the next time.
    const isRemembered = sockets.length === ids.size && ids.size >= worthRemembering;
    // Nobody would say of others that they are old.
    const members = { sockets, isOld: !isRemembered };
    if (isRemembered) this.known.set(group, members);
    return members;
  }

  private isMember(socket: Socket, group: Group): boolean {
    return this.idsOf(group)?.has(socket.id) === true && this.nsp.sockets.has(socket.id);
  }

  private idsOf(group: Group): Pick<ReadonlyMap<SocketId, unknown>, 'keys' | 'has' | 'size'> | undefined {
    return group === everybody ? this.sids : this.rooms.get(group);
  }
}
