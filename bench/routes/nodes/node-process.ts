import type { AddressInfo } from 'node:net';
import { setTimeout as elapsed } from 'node:timers/promises';
import type { Server } from 'socket.io';
import { offer } from '../../support/task-process.js';
import { type Contestant, contestants } from './contestants.js';

export interface Emission {
  /** The rooms take turns. */
  readonly rooms: readonly string[];
  readonly messages: number;
  readonly bytes: number;
  /** Undefined is as fast as it goes. */
  readonly perSecond?: number;
}

/** How often a paced emission goes on. */
const tickMs = 10;

let server: Server;

const tasks = {
  async start({ contestant, redisUrl }: { readonly contestant: Contestant; readonly redisUrl: string }) {
    server = await contestants[contestant](redisUrl);
    server.on('connection', (socket) => {
      socket.on('join', async (room: string, acknowledge: () => void) => {
        await socket.join(room);
        acknowledge();
      });
    });
    return (server.httpServer.address() as AddressInfo).port;
  },
  /** Each message holds the number of those before it. */
  async emit({ rooms, messages, bytes, perSecond }: Emission): Promise<void> {
    const text = 'x'.repeat(bytes);
    const startedAt = performance.now();
    for (let sequence = 0; sequence < messages;) {
      const due = perSecond === undefined ? messages : ((performance.now() - startedAt) / 1_000) * perSecond;
      for (; sequence < Math.min(due, messages); sequence++) {
        server.to(rooms[sequence % rooms.length]!).emit('news', sequence, text);
      }
      await elapsed(tickMs);
    }
  },
  /** Microseconds of CPU since the process began, in the program and in the kernel on its behalf. */
  cpu(): number {
    const { user, system } = process.cpuUsage();
    return user + system;
  },
};

export type NodeTasks = typeof tasks;

offer(tasks);
