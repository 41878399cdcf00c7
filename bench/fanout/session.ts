import type { ChildProcess } from 'node:child_process';
import path from 'node:path';
import { end, news, start } from '../support/children.js';
import type { Cores } from '../support/cores.js';
import { busyMs } from '../support/machine.js';
import { type ContestantName, contestants } from './contestants.js';
import type { Histogram } from './histogram.js';
import type { LoadCommand, LoadNews } from './load-process.js';
import type { ServerNews } from './server-process.js';
import type { Workload } from './workload.js';

export interface Sample {
  /** The server's CPU for each message that a client received, in microseconds. */
  readonly cpuPerMessage: number;
  /** Messages that clients received in a second. */
  readonly perSecond: number;
  /** Of the time: how long the server was at work, and its clients and their publisher. */
  readonly serverShare: number;
  readonly clientShare: number;
  /** Of a core: what processes took that have nothing to do with it, and Redis. */
  readonly otherShare: number;
  /** From publish to receipt. */
  readonly latencies: Histogram;
}

const warmUpMs = 250;

/** One contestant with its clients, each in processes of their own. */
export class Session {
  private constructor(
    private readonly server: ChildProcess,
    private readonly load: ChildProcess,
  ) {}

  static async open(name: ContestantName, clients: number, redisUrl: string, cores?: Cores): Promise<Session> {
    const server = start(fileOf('server-process.js'), [name, redisUrl], { core: cores?.served });
    const load = start(fileOf('load-process.js'), [redisUrl], { core: cores?.load });
    const session = new Session(server, load);
    try {
      const { port } = await news<Extract<ServerNews, { type: 'listening' }>>(server, 'listening');
      await session.ask({ type: 'connect', port, clients, protocol: contestants[name].protocol }, 'connected');
      return session;
    } catch (error) {
      await session.close();
      throw error;
    }
  }

  /** Has the clients join their rooms. */
  async join(): Promise<void> {
    await this.ask({ type: 'join' }, 'joined');
  }

  /** @throws Error when a client did not get every message once and in order. */
  async measure(workload: Workload): Promise<Sample> {
    await this.run({ ...workload, ms: warmUpMs });
    const before = { server: await this.cpuMs(), machine: busyMs() };
    const { deliveries, ms, cpuMs, latencies } = await this.run(workload);
    const serverMs = (await this.cpuMs()) - before.server;
    const otherMs = busyMs() - before.machine - serverMs - cpuMs;
    return {
      cpuPerMessage: (serverMs * 1_000) / deliveries,
      perSecond: (deliveries / ms) * 1_000,
      serverShare: serverMs / ms,
      clientShare: cpuMs / ms,
      otherShare: Math.max(0, otherMs / ms),
      latencies,
    };
  }

  async run(workload: Workload) {
    const { run } = await this.ask<Extract<LoadNews, { type: 'ran' }>>({ type: 'run', workload }, 'ran');
    return run;
  }

  async close(): Promise<void> {
    // The clients first, whom nobody then hears complain.
    await end(this.load);
    await end(this.server);
  }

  private async cpuMs(): Promise<number> {
    this.server.send('cpu');
    return (await news<Extract<ServerNews, { type: 'cpu' }>>(this.server, 'cpu')).ms;
  }

  private async ask<News extends LoadNews>(command: LoadCommand, type: News['type']): Promise<News> {
    this.load.send(command);
    return news<News>(this.load, type);
  }
}

function fileOf(name: string): string {
  return path.join(import.meta.dirname, name);
}
