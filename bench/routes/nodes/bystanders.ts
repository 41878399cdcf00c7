import { setTimeout as elapsed } from 'node:timers/promises';
import { startRedis } from '../../support/redis.js';
import type { TaskProcess } from '../../support/task-process.js';
import { Cluster } from './cluster.js';
import type { Contestant } from './contestants.js';
import type { NodeTasks } from './node-process.js';
import { messageBytes } from './output.js';

export const bystanders = 7;
export const pacedMessages = 2_000;
const perSecond = 500;

/** Compiles the code of what is measured then. */
const warmUpMessages = 1_000;
/** What a start leaves to the collection of garbage is done by then. */
const settleMs = 1_000;

export interface Burden {
  /** Microseconds of CPU that the workers without a member have spent, together, for each message to the room. */
  readonly cpu: number;
  /** The same in as much time without any message. */
  readonly idle: number;
}

/**
 * One more worker holds the members, and one without clients emits, so that neither counts.
 *
 * @throws Error when a member does not get the room's messages.
 */
export async function burdenOf(contestant: Contestant): Promise<Burden> {
  const redis = await startRedis();
  const cluster = await Cluster.start(contestant, redis.url, bystanders + 2);
  try {
    const [emitter, ...others] = cluster.workers;
    const measured = others.slice(0, bystanders);
    const member = await cluster.member(-1, 'lobby');
    const emit = async (messages: number): Promise<void> => {
      await emitter!.run('emit', { rooms: ['lobby'], messages, bytes: messageBytes, perSecond });
      await member.received(messages);
    };
    const cpuDuring = async (work: () => Promise<void>): Promise<number> => {
      const before = await cpuOf(measured);
      await work();
      return ((await cpuOf(measured)) - before) / pacedMessages;
    };

    await emit(warmUpMessages);
    await elapsed(settleMs);
    const idle = await cpuDuring(() => elapsed((pacedMessages / perSecond) * 1_000));
    const cpu = await cpuDuring(() => emit(pacedMessages));
    member.disconnect();
    return { cpu, idle };
  } finally {
    await cluster.stop();
    await redis.stop();
  }
}

async function cpuOf(workers: readonly TaskProcess<NodeTasks>[]): Promise<number> {
  const spent = await Promise.all(workers.map((worker) => worker.run('cpu')));
  return spent.reduce((sum, each) => sum + each, 0);
}
