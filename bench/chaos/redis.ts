import { setTimeout as elapsed } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { choosePort } from '../../src/cluster/choose-port.js';
import { type BenchRedis, startRedis } from '../support/redis.js';
import { endWithThisProcess } from './end-with-this-process.js';

/** Below what the system hands out: while Redis is down, nobody else gets its port, not even who tries to reach it. */
const ports = { from: 20_000, count: 12_000 } as const;
const mostAttempts = 20;

/** A Redis that is killed, frozen and cut off, and comes back at the same address. */
export class ChaosRedis {
  private constructor(
    private server: BenchRedis,
    private readonly port: number,
  ) {
    endWithThisProcess(server.process);
  }

  static async start(): Promise<ChaosRedis> {
    for (let attempt = 1; ; attempt++) {
      const port = ports.from + Math.floor(Math.random() * ports.count);
      try {
        await choosePort(port, '127.0.0.1');
      } catch (error) {
        if (attempt === mostAttempts) throw error;
        continue;
      }
      return new ChaosRedis(await startRedis(undefined, { port, detached: true }), port);
    }
  }

  get url(): string {
    return this.server.url;
  }

  /** Kills it, and starts it again. */
  async restart(downMs: number, signal: AbortSignal): Promise<void> {
    await this.server.stop();
    await elapsed(downMs, undefined, { signal }).catch(() => {});
    this.server = await startRedis(undefined, { port: this.port, detached: true });
    endWithThisProcess(this.server.process);
  }

  async freeze(forMs: number, signal: AbortSignal): Promise<void> {
    this.server.process.kill('SIGSTOP');
    await elapsed(forMs, undefined, { signal }).catch(() => {});
    this.server.process.kill('SIGCONT');
  }

  async cut(connections: 'normal' | 'pubsub'): Promise<void> {
    await this.ask((redis) => redis.call('CLIENT', 'KILL', 'TYPE', connections));
  }

  /** The channels under a prefix to which somebody is subscribed, in a fixed order. */
  async channels(prefix: string): Promise<string[]> {
    const channels = await this.ask((redis) => redis.pubsub('CHANNELS', `${prefix}*`));
    return (channels as string[]).toSorted();
  }

  async publish(messages: readonly (readonly [channel: string, message: Buffer])[]): Promise<void> {
    await this.ask(async (redis) => {
      const pipeline = redis.pipeline();
      for (const [channel, message] of messages) pipeline.publish(channel, message);
      await pipeline.exec();
    });
  }

  async stop(): Promise<void> {
    await this.server.stop();
  }

  /** Over a connection of its own, which waits for a Redis that is away. */
  private async ask<T>(question: (redis: Redis) => Promise<T>): Promise<T> {
    const redis = new Redis(this.url, { maxRetriesPerRequest: null, retryStrategy: () => 100 });
    redis.on('error', () => {});
    try {
      return await question(redis);
    } finally {
      redis.disconnect();
    }
  }
}
