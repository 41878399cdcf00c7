/** Who gets a message: all clients, all as members of a room, or the members of one of many rooms. */
export type Audience = 'all' | 'shared room' | 'one room of many';

export interface Content {
  /** Of the payload that the application emits. */
  readonly bytes: number;
  readonly binary: boolean;
  readonly audience: Audience;
}

/** What is published, and how fast. */
export interface Workload {
  readonly content: Content;
  readonly pace: Pace;
  /** For how long; it ends with the last message at every client. */
  readonly ms: number;
}

export type Pace =
  /** Batches, each in one write to Redis; the next one goes when all clients have all but `window - 1` of the last. */
  | { readonly atATime: number; readonly window: number }
  /** One message each time, whether or not the last ones have come. */
  | { readonly perSecond: number };

/** In how many rooms each client is, where it is in any: in one with all others, and in the rest with few. */
export const roomsEach = 50;

const sharedRoom = 'everyone';

/** Room `r` holds the clients `r`, `r - 1` … `r - 48`, counted around. */
const ringRoomsEach = roomsEach - 1;

export function roomsOf(client: number, clients: number): string[] {
  return [sharedRoom, ...Array.from({ length: ringRoomsEach }, (_, step) => ringRoom((client + step) % clients))];
}

/** The room that a message goes to; undefined where it goes to all. */
export function roomFor(audience: Audience, sequence: number, clients: number): string | undefined {
  if (audience === 'all') return undefined;
  return audience === 'shared room' ? sharedRoom : ringRoom(sequence % clients);
}

export function concerns(audience: Audience, client: number, sequence: number, clients: number): boolean {
  if (audience !== 'one room of many') return true;
  return ((sequence % clients) - client + clients) % clients < ringRoomsEach;
}

/** How many clients get a message. */
export function audienceSize(audience: Audience, clients: number): number {
  return audience === 'one room of many' ? ringRoomsEach : clients;
}

function ringRoom(index: number): string {
  return `room-${index}`;
}
