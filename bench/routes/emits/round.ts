import path from 'node:path';
import { startRedis } from '../../support/redis.js';
import { TaskProcess } from '../../support/task-process.js';
import type { Contestant } from './contestants.js';
import type { Emitted, EmitterTasks } from './emitter-process.js';
import type { SubscriberTasks } from './subscriber-process.js';

export const emits = 10_000;
/** Compiles the code of what is measured then. */
const warmUpEmits = 2_000;

/** @throws Error when an emit was lost, came twice or out of order. */
export async function emitAll(contestant: Contestant): Promise<Emitted> {
  const redis = await startRedis();
  const subscriber = TaskProcess.start<SubscriberTasks>(path.join(import.meta.dirname, 'subscriber-process.js'));
  const emitter = TaskProcess.start<EmitterTasks>(path.join(import.meta.dirname, 'emitter-process.js'));
  try {
    await subscriber.run('subscribe', { redisUrl: redis.url, channel: 'socket.io#/#lobby#' });
    await emitter.run('open', { contestant, redisUrl: redis.url });
    await emitter.run('emit', { first: 0, messages: warmUpEmits });
    await subscriber.run('arrivals');
    const emitted = await emitter.run('emit', { first: warmUpEmits, messages: emits });
    const { arrived, outOfOrder } = await subscriber.run('arrivals');
    if (arrived !== warmUpEmits + emits || outOfOrder > 0) {
      throw new Error(
        `Of ${warmUpEmits + emits} emits of ${contestant} ${arrived} arrived, ${outOfOrder} out of order: no figure.`,
      );
    }
    return emitted;
  } finally {
    await Promise.all([emitter.stop(), subscriber.stop()]);
    await redis.stop();
  }
}
