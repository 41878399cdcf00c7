import { Random } from '../../test/support/random.js';

export type Fault =
  | { readonly kind: 'Redis restart'; readonly downMs: number }
  | { readonly kind: 'Redis freeze'; readonly forMs: number }
  /** Redis closes its connections of that type; subscribers are `pubsub`, all others `normal`. */
  | { readonly kind: 'Redis cut'; readonly connections: 'normal' | 'pubsub' }
  /** `pick` chooses one of the workers that are ready then. */
  | { readonly kind: 'worker SIGKILL'; readonly pick: number }
  | { readonly kind: 'poison'; readonly seed: number; readonly messages: number }
  | { readonly kind: 'slow clients'; readonly forMs: number };

export type FaultKind = Fault['kind'];

export interface ScheduledFault {
  /** Since the traffic began. */
  readonly atMs: number;
  readonly fault: Fault;
}

export const faultKinds = [
  'Redis restart',
  'Redis freeze',
  'Redis cut',
  'worker SIGKILL',
  'poison',
  'slow clients',
] as const satisfies readonly FaultKind[];

const firstAtMs = 2_000;
/** Nothing is broken towards the end, so that all can be seen to recover. */
const quietMs = 6_000;
/** What is broken once is whole again before it is broken once more. */
const recoveryMs = 4_000;

/**
 * The faults of a seed, in the order of time. Every kind comes up before any comes up again.
 *
 * What strikes one victim (Redis, the workers, …) does not overlap; what strikes different ones may.
 */
export function scheduleOf(seed: number, durationMs: number): ScheduledFault[] {
  const random = new Random(seed);
  const schedule: ScheduledFault[] = [];
  const freeAt = new Map<string, number>();
  let dueMs = firstAtMs;
  for (let bag: FaultKind[] = []; ;) {
    if (bag.length === 0) bag = shuffled(faultKinds, random);
    const fault = draw(bag.pop()!, random);
    const atMs = Math.max(dueMs, freeAt.get(victimOf(fault)) ?? 0);
    const endMs = atMs + lengthOf(fault);
    if (endMs > durationMs - quietMs) return schedule;
    schedule.push({ atMs, fault });
    freeAt.set(victimOf(fault), endMs + recoveryMs);
    dueMs = atMs + between(random, 1_000, 4_000);
  }
}

/** How long it lasts. */
export function lengthOf(fault: Fault): number {
  if (fault.kind === 'Redis restart') return fault.downMs;
  return 'forMs' in fault ? fault.forMs : 0;
}

function draw(kind: FaultKind, random: Random): Fault {
  switch (kind) {
    case 'Redis restart':
      return { kind, downMs: between(random, 100, 3_000) };
    case 'Redis freeze':
      return { kind, forMs: between(random, 100, 5_000) };
    case 'Redis cut':
      return { kind, connections: random.pick(['normal', 'pubsub']) };
    case 'worker SIGKILL':
      return { kind, pick: random.below(1_024) };
    case 'poison':
      return { kind, seed: random.below(2 ** 31), messages: between(random, 50, 200) };
    case 'slow clients':
      return { kind, forMs: between(random, 2_000, 6_000) };
  }
}

function victimOf({ kind }: Fault): string {
  return kind.startsWith('Redis') ? 'Redis' : kind;
}

function between(random: Random, least: number, most: number): number {
  return least + random.below(most - least + 1);
}

function shuffled<T>(list: readonly T[], random: Random): T[] {
  const left = [...list];
  return list.map(() => left.splice(random.below(left.length), 1)[0]!);
}
