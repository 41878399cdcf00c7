import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import type { ClientCommand, ClientNews } from './client-process.js';

export type FleetReport = Extract<ClientNews, { type: 'report' }>;

/** Many clients in a process of their own, so that they take no time of what is measured. */
export class ClientFleet {
  private constructor(
    private readonly process: ChildProcess,
    readonly clients: number,
  ) {}

  /** Resolves once all are connected. */
  static async connect(url: string, clients: number): Promise<ClientFleet> {
    const fleet = new ClientFleet(fork(path.join(import.meta.dirname, 'client-process.js')), clients);
    fleet.tell({ type: 'connect', url, clients });
    for (let connected = 0; connected < clients;) {
      const [news] = (await once(fleet.process, 'message')) as [ClientNews];
      if (news.type === 'progress') ({ connected } = news);
      process.stderr.write(`\r${connected} of ${clients} clients connected`);
    }
    process.stderr.write('\n');
    return fleet;
  }

  async report(): Promise<FleetReport> {
    this.tell({ type: 'report' });
    for (;;) {
      const [news] = (await once(this.process, 'message')) as [ClientNews];
      if (news.type === 'report') return news;
    }
  }

  async stop(): Promise<void> {
    const exited = once(this.process, 'exit');
    this.process.kill('SIGKILL');
    await exited;
  }

  private tell(command: ClientCommand): void {
    this.process.send(command);
  }
}
