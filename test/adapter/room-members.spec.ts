import type { Namespace, Socket } from 'socket.io';
import { describe, expect, it, vi } from 'vitest';
import { everybody, RoomMembers } from '../../src/adapter/room-members.js';

describe('The members of a room', () => {
  it('are those who are in it', () => {
    const { members } = roomOf(20);

    expect(names(members, 'room')).toEqual(range(20));
    expect(names(members, 'elsewhere')).toEqual([]);
    expect(names(members, everybody)).toEqual(range(20));
  });

  it('are looked up once for any number of messages', () => {
    const { members, lookUps } = roomOf(20);

    for (let message = 0; message < 10; message++) names(members, 'room');

    expect(lookUps).toHaveBeenCalledTimes(20);
  });

  it('are those of now after somebody came or went', () => {
    const { members, ids } = roomOf(20);
    names(members, 'room');

    ids.delete('0');
    members.changed('room');

    expect(names(members, 'room')).toEqual(range(20).slice(1));
  });

  it.each([2, 20])('are, of %d, without those whom a message to one of them made leave', (size) => {
    const { members, ids } = roomOf(size);
    const visited: string[] = [];

    members.visit('room', ({ id }) => {
      visited.push(id);
      ids.delete(`${size - 1}`);
      members.changed('room');
    });

    expect(visited).toEqual(range(size).slice(0, size - 1));
  });

  it('are nobody where the room is left undefined by mistake', () => {
    const { members } = roomOf(20);

    expect(names(members, undefined as never)).toEqual([]);
  });

  it('include those who had joined before they were connected', () => {
    const { members, sockets } = roomOf(20);
    const last = sockets.get('19')!;
    sockets.delete('19');

    expect(names(members, 'room')).toEqual(range(20).slice(0, 19));
    sockets.set('19', last);

    expect(names(members, 'room')).toEqual(range(20));
  });

  it('of the namespace are those of now after somebody connected or left', () => {
    const { members, ids } = roomOf(20);
    names(members, everybody);

    ids.delete('0');
    members.populationChanged();

    expect(names(members, everybody)).toEqual(range(20).slice(1));
  });
});

/** A room, which is also the whole namespace, with so many sockets. */
function roomOf(size: number) {
  const ids = new Set(range(size));
  const sockets = new Map(range(size).map((id) => [id, { id } as Socket]));
  const lookUps = vi.spyOn(sockets, 'get');
  const members = new RoomMembers({ sockets } as unknown as Namespace, new Map([['room', ids]]), ids as never);
  return { members, ids, sockets, lookUps };
}

function names(members: RoomMembers, room: Parameters<RoomMembers['visit']>[0]): string[] {
  const found: string[] = [];
  members.visit(room, ({ id }) => found.push(id));
  return found;
}

function range(size: number): string[] {
  return Array.from({ length: size }, (_, index) => `${index}`);
}
