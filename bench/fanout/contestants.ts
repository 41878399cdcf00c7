import type { ProtocolName } from './protocol.js';

/** A server to measure: how its clients speak, and what its process runs, which no other process loads. */
interface Contestant {
  readonly protocol: ProtocolName;
  /** Resolves with the port on which it listens. */
  start(redisUrl: string): Promise<number>;
}

const defineContestants = <Name extends string>(all: Readonly<Record<Name, Contestant>>) => all;

export const contestants = defineContestants({
  stock: {
    protocol: 'socketIo',
    start: async (redisUrl) => (await import('./servers/stock.js')).start(redisUrl),
  },
  limit: {
    protocol: 'socketIo',
    start: async (redisUrl) => (await import('./servers/limit.js')).start(redisUrl),
  },
  socketcluster: {
    protocol: 'socketCluster',
    start: async (redisUrl) => (await import('./servers/socketcluster.js')).start(redisUrl),
  },
  ours: {
    protocol: 'socketIo',
    start: async (redisUrl) => (await import('./servers/ours.js')).start(redisUrl),
  },
});

export type ContestantName = keyof typeof contestants;
