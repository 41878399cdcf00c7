import { offer } from '../../support/task-process.js';
import { contestants, type Contestant, type Opened } from './contestants.js';

export interface Emitted {
  /** Until the last call had returned. */
  readonly calledAfterMs: number;
  /** Until Redis had answered all of them. */
  readonly answeredAfterMs: number;
  /** CPU of this process meanwhile. */
  readonly cpuMs: number;
}

const text = 'x'.repeat(100);

let opened: Opened;

const tasks = {
  async open({ contestant, redisUrl }: { readonly contestant: Contestant; readonly redisUrl: string }): Promise<void> {
    opened = await contestants[contestant](redisUrl);
  },
  async emit({ first, messages }: { readonly first: number; readonly messages: number }): Promise<Emitted> {
    const { emitter, redis } = opened;
    const published = (await publishes()) + messages;
    const cpuBefore = process.cpuUsage();
    const startedAt = performance.now();
    for (let sequence = first; sequence < first + messages; sequence++)
      emitter.to('lobby').emit('news', sequence, text);
    const calledAfterMs = performance.now() - startedAt;
    // Redis answers a connection in order. What is gathered for a later write is not there the first time.
    while ((await publishes()) < published) continue;
    const answeredAfterMs = performance.now() - startedAt;
    const { user, system } = process.cpuUsage(cpuBefore);
    return { calledAfterMs, answeredAfterMs, cpuMs: (user + system) / 1_000 };

    async function publishes(): Promise<number> {
      const stats = await redis.info('commandstats');
      return Number(/^cmdstat_publish:calls=(\d+)/m.exec(stats)?.[1] ?? 0);
    }
  },
};

export type EmitterTasks = typeof tasks;

offer(tasks);
