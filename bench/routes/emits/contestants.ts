import { Emitter } from '@socket.io/redis-emitter';
import { Redis } from 'ioredis';
import { RedisCarrier } from '../../../src/carrier/redis.carrier.js';
import { openRedisClients } from '../../../src/carrier/redis-clients.js';
import { ClusterEmitter } from '../../../src/emitter/cluster-emitter.js';
import { Publisher } from '../../../src/publisher.js';

export interface Opened {
  readonly emitter: Emitter | ClusterEmitter;
  /** The connection that it publishes on. */
  readonly redis: Redis;
}

/** Each opens an emitter that may publish at once. */
export const contestants = {
  official: async (url: string): Promise<Opened> => {
    const redis = new Redis(url);
    await redis.ping();
    return { emitter: new Emitter(redis), redis };
  },
  ours: async (url: string): Promise<Opened> => {
    const clients = openRedisClients({ url });
    const carrier = new RedisCarrier(clients);
    await carrier.connect(5_000);
    return { emitter: new ClusterEmitter(new Publisher(carrier, { key: 'socket.io' })), redis: clients.publisher };
  },
};

export type Contestant = keyof typeof contestants;
