import type { ContestantName } from './contestants.js';
import type { Content, Pace, Workload } from './workload.js';

export interface Measure {
  readonly name: string;
  readonly contestants: readonly ContestantName[];
  readonly workload: Workload;
}

/** What one server and its clients go through, in this order. */
export interface SessionPlan {
  readonly clients: number;
  readonly measures: readonly Measure[];
  /** What is measured once every client has joined its rooms. */
  readonly withRooms: readonly Measure[];
}

export const batchSizes = [1, 4, 16] as const;
export const clientCounts = [100, 500, 2_000, 10_000] as const;
const mostClients = 500;

/** The three that can be compared in everything. */
export const compared = ['stock', 'limit', 'ours'] as const;
const measureMs = 1_000;

const plain: Content = { bytes: 100, binary: false, audience: 'all' };

const others: Readonly<Record<string, Content>> = {
  '1 KB': { ...plain, bytes: 1_024 },
  '16 KB': { ...plain, bytes: 16_384 },
  '100 B binary': { ...plain, binary: true },
};

const toRooms: Readonly<Record<string, Content>> = {
  '100 B to a room that all share, 50 rooms each': { ...plain, audience: 'shared room' },
  '100 B to one room of many, 50 rooms each': { ...plain, audience: 'one room of many' },
};

export const saturation = 'messages a second at saturation';
export const latency = 'from publish to receipt at half of what saturates stock';

/** Begins every session: the engine has compiled what it runs often, and the memory has its size. */
export const warmUp: Workload = { content: plain, pace: inStep(16), ms: 1_000 };

/** One batch, behind everything else. */
export const fence: Workload = { content: plain, pace: inStep(1), ms: 0 };

/** Two batches are always on their way, so that the server has the next one when it is done with the last. */
export const saturating: Workload = { content: plain, pace: { atATime: 16, window: 2 }, ms: 2_000 };

/** @param perSecond How many messages are published in a second where latency is measured. */
export function sessionPlans(perSecond: number): readonly SessionPlan[] {
  const measures: Measure[] = [
    ...batchSizes.map((size) => cpu('100 B', plain, size, compared)),
    ...bothSizes(others),
    { name: saturation, contestants: ['stock', 'limit', 'socketcluster', 'ours'], workload: saturating },
    {
      name: latency,
      contestants: ['stock', 'ours'],
      workload: { content: plain, pace: { perSecond }, ms: 2_000 },
    },
  ];
  return clientCounts.map((clients) =>
    clients === mostClients
      ? { clients, measures, withRooms: bothSizes(toRooms) }
      : { clients, measures: [byClients(clients)], withRooms: [] },
  );
}

/** The name of what is measured with so many clients. */
export function cpuByClients(clients: number): string {
  const name = cpuName('100 B', 16);
  return clients === mostClients ? name : `${name}, ${clients.toLocaleString('en')} clients`;
}

export function cpuName(what: string, size: number): string {
  return `CPU per message, ${what}, ${size === 1 ? 'one' : size} at a time`;
}

function byClients(clients: number): Measure {
  return { ...cpu('100 B', plain, 16, compared), name: cpuByClients(clients) };
}

function bothSizes(contents: Readonly<Record<string, Content>>): Measure[] {
  return Object.entries(contents).flatMap(([what, content]) =>
    [16, 1].map((size) => cpu(what, content, size, ['stock', 'ours'])),
  );
}

function cpu(what: string, content: Content, size: number, contestants: readonly ContestantName[]): Measure {
  return { name: cpuName(what, size), contestants, workload: { content, pace: inStep(size), ms: measureMs } };
}

function inStep(atATime: number): Pace {
  return { atATime, window: 1 };
}
