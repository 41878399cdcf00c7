import type { ChatSocket, NotificationSocket } from '../../src/events.js';

export interface FakeSocketOptions {
  /** @default "websocket" */
  readonly transport?: string;
  /** What joining waits for. */
  readonly join?: () => Promise<void>;
}

/** What a gateway sees of a client, without a network: its id, its rooms, and what it has heard. */
export function fakeSocket(id: string, options: FakeSocketOptions = {}) {
  const { transport = 'websocket', join = () => Promise.resolve() } = options;
  const rooms = new Set([id]);
  const heard: unknown[][] = [];
  const client = {
    id,
    rooms,
    conn: { transport: { name: transport } },
    emit: (...event: unknown[]) => heard.push(event) > 0,
    join: async (room: string) => {
      await join();
      rooms.add(room);
    },
    leave: async (room: string) => void rooms.delete(room),
  };
  return { client: client as unknown as ChatSocket & NotificationSocket, heard };
}
