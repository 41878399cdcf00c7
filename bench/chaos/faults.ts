import { Random } from '../../test/support/random.js';
import type { Trouble } from './history.js';
import { poisonOf } from './poison.js';
import type { ChaosProgram } from './program.js';
import type { ChaosRedis } from './redis.js';
import { type Fault, lengthOf } from './schedule.js';
import type { Traffic } from './traffic.js';

export interface Scene {
  readonly redis: ChaosRedis;
  readonly program: ChaosProgram;
  readonly traffic: Traffic;
}

/** Lets a fault happen, and resolves once it is over with whom it struck. A run that ends cuts it short. */
export async function strike(fault: Fault, scene: Scene, signal: AbortSignal): Promise<Trouble> {
  const from = performance.now();
  const struck = await act(fault, scene, signal);
  return { kind: fault.kind, from, to: performance.now(), ...struck };
}

/** What a reader of the run is told of it. */
export function describeFault(fault: Fault): string {
  switch (fault.kind) {
    case 'Redis restart':
    case 'Redis freeze':
    case 'slow clients':
      return `${fault.kind}, ${lengthOf(fault)} ms`;
    case 'Redis cut':
      return `${fault.kind}, connections of type ${fault.connections}`;
    case 'poison':
      return `${fault.kind}, ${fault.messages} messages`;
    case 'worker SIGKILL':
      return fault.kind;
  }
}

async function act(fault: Fault, { redis, program, traffic }: Scene, signal: AbortSignal): Promise<Partial<Trouble>> {
  switch (fault.kind) {
    case 'Redis restart':
      await redis.restart(fault.downMs, signal);
      return {};
    case 'Redis freeze':
      await redis.freeze(fault.forMs, signal);
      return {};
    case 'Redis cut':
      await redis.cut(fault.connections);
      return {};
    case 'worker SIGKILL':
      return await program.killWorker(fault.pick);
    case 'poison':
      await publishPoison(fault, { redis, program, traffic });
      return {};
    case 'slow clients':
      await traffic.slowDown(fault.forMs, signal);
      return { clients: traffic.slowNames };
  }
}

/** On every channel to which somebody is subscribed, and on that of one client. */
async function publishPoison(
  { seed, messages }: Extract<Fault, { kind: 'poison' }>,
  { redis, program, traffic }: Scene,
): Promise<void> {
  const random = new Random(seed);
  const subscribed = await redis.channels(program.key);
  const channels = [...subscribed, `${program.key}#/#${traffic.someId ?? ''}#`];
  await redis.publish(Array.from({ length: messages }, () => [random.pick(channels), poisonOf(random)] as const));
}
