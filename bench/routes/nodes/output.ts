import { Redis } from 'ioredis';
import { startRedis } from '../../support/redis.js';
import { Cluster } from './cluster.js';
import type { Contestant } from './contestants.js';

export const outputWorkers = 4;
export const outputMessages = 1_000;
export const messageBytes = 1_024;

/** Socket.IO's ids have twenty signs, by which the sharded adapter knows them. */
const ofClients = (index: number): string => `client-${index}-`.padEnd(20, 'x');
const ofRooms = (index: number): string => `room-${index}`;

/** What Redis sends for messages that nobody is to get, in copies of each message. */
export interface Output {
  readonly rooms: number;
  /** To clients that are gone, by their ids. */
  readonly clients: number;
  /** What it sends besides, in bytes; taken off already. */
  readonly idleBytes: number;
}

/** @throws Error when a member of a room that is held does not get the room's messages. */
export async function outputOf(contestant: Contestant): Promise<Output> {
  const redis = await startRedis();
  const observer = new Redis(redis.url);
  const cluster = await Cluster.start(contestant, redis.url, outputWorkers);
  try {
    const [emitter] = cluster.workers;
    const held = 'held by the last worker';
    const member = await cluster.member(-1, held);
    const emit = (rooms: readonly string[], messages: number) =>
      emitter!.run('emit', { rooms, messages, bytes: messageBytes });
    const names = Array.from({ length: outputMessages }, (_, index) => index);

    await emit([held], outputMessages);
    await member.received(outputMessages);
    const bytesDuring = async (rooms: readonly string[]): Promise<number> => {
      const before = await sentBy(observer);
      if (rooms.length > 0) await emit(rooms, outputMessages);
      // The room that is held comes last, so that whatever was sent before it has been.
      await emit([held], 1);
      await member.received(1);
      return (await sentBy(observer)) - before;
    };
    const idleBytes = await bytesDuring([]);
    const copies = async (nameOf: (index: number) => string): Promise<number> =>
      ((await bytesDuring(names.map(nameOf))) - idleBytes) / outputMessages / messageBytes;
    const figures = { rooms: await copies(ofRooms), clients: await copies(ofClients), idleBytes };
    member.disconnect();
    return figures;
  } finally {
    await cluster.stop();
    observer.disconnect();
    await redis.stop();
  }
}

async function sentBy(redis: Redis): Promise<number> {
  const stats = await redis.info('stats');
  return Number(/total_net_output_bytes:(\d+)/.exec(stats)![1]);
}
