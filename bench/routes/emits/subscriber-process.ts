import { setTimeout as elapsed } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { decode } from 'notepack.io';
import { offer } from '../../support/task-process.js';

export interface Arrivals {
  readonly arrived: number;
  /** How many did not follow the one before them: something was lost, came twice or out of order. */
  readonly outOfOrder: number;
}

/** After that long without a message there are no more. */
const quietMs = 300;

let next = 0;
let arrived = 0;
let outOfOrder = 0;

const tasks = {
  async subscribe({ redisUrl, channel }: { readonly redisUrl: string; readonly channel: string }): Promise<void> {
    const redis = new Redis(redisUrl);
    redis.on('messageBuffer', (_: Buffer, message: Buffer) => {
      const [, packet] = decode(message) as [string, { readonly data: readonly [string, number, string] }];
      const [, sequence] = packet.data;
      arrived++;
      if (sequence !== next) outOfOrder++;
      next = sequence + 1;
    });
    await redis.subscribe(channel);
  },
  /** Once no more come. */
  async arrivals(): Promise<Arrivals> {
    for (let before = -1; before !== arrived;) {
      before = arrived;
      await elapsed(quietMs);
    }
    return { arrived, outOfOrder };
  },
};

export type SubscriberTasks = typeof tasks;

offer(tasks);
