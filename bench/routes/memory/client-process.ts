import { offer } from '../../support/task-process.js';
import { IdleClient } from './idle-client.js';

const atATime = 50;

const clients: IdleClient[] = [];

const tasks = {
  async connect({ port, count }: { readonly port: number; readonly count: number }): Promise<void> {
    for (let left = count; left > 0; left -= atATime) {
      const batch = Array.from({ length: Math.min(atATime, left) }, () => IdleClient.connect(port));
      clients.push(...(await Promise.all(batch)));
    }
  },
  /** How many the server has not let go. */
  open: (): number => clients.filter(({ isOpen }) => isOpen).length,
  disconnect(): void {
    for (const client of clients.splice(0)) client.disconnect();
  },
};

export type ClientTasks = typeof tasks;

offer(tasks);
