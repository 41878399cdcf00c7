import type { AddressInfo } from 'node:net';
import { setTimeout as elapsed } from 'node:timers/promises';
import { writeHeapSnapshot } from 'node:v8';
import { offer } from '../../support/task-process.js';
import { contestants, type MemoryContestant } from './contestants.js';

export interface Memory {
  /** Resident bytes of the process. */
  readonly resident: number;
  /** Bytes that JavaScript's objects take. */
  readonly heap: number;
  /** Bytes of buffers, and of what C++ keeps for JavaScript's objects. */
  readonly external: number;
}

const tasks = {
  async start({ contestant, redisUrl }: { readonly contestant: MemoryContestant; readonly redisUrl: string }) {
    const server = await contestants[contestant](redisUrl);
    return (server.address() as AddressInfo).port;
  },
  /** After garbage was collected. */
  async memory(): Promise<Memory> {
    for (let pass = 0; pass < 6; pass++) {
      global.gc!();
      await elapsed(100);
    }
    const { rss: resident, heapUsed: heap, external } = process.memoryUsage();
    return { resident, heap, external };
  },
  snapshot(file: string): void {
    writeHeapSnapshot(file);
  },
};

export type MemoryServerTasks = typeof tasks;

offer(tasks);
