import type { Redis } from 'ioredis';
import { inBatches } from './in-batches.js';

/** What a process wants to hear on one connection to Redis, whether there is a connection or not. */
export class Subscriptions {
  private readonly channels = new Set<string>();
  private readonly prefixes = new Set<string>();

  constructor(private readonly subscriber: Redis) {}

  want(channels: readonly string[]): void {
    for (const channel of channels) this.channels.add(channel);
  }

  wantPrefix(prefix: string): void {
    this.prefixes.add(prefix);
  }

  async ask(channels: readonly string[]): Promise<void> {
    await inBatches(channels, (batch) => this.subscriber.subscribe(...batch));
  }

  async askPrefixes(prefixes: readonly string[]): Promise<void> {
    await inBatches(prefixes, (batch) => this.subscriber.psubscribe(...batch.map(toPattern)));
  }

  /** As a connection needs it that is new. */
  async askAll(): Promise<void> {
    await this.ask([...this.channels]);
    await this.askPrefixes([...this.prefixes]);
  }

  /** Without a connection there is no subscription either. */
  leave(channels: readonly string[]): void {
    for (const channel of channels) this.channels.delete(channel);
    inBatches(channels, (batch) => this.subscriber.unsubscribe(...batch)).catch(() => {});
  }

  leavePrefixes(prefixes: readonly string[]): void {
    for (const prefix of prefixes) this.prefixes.delete(prefix);
    inBatches(prefixes, (batch) => this.subscriber.punsubscribe(...batch.map(toPattern))).catch(() => {});
  }

  leaveAll(): void {
    this.leave([...this.channels]);
    this.leavePrefixes([...this.prefixes]);
  }
}

/** A pattern for every channel that starts with the prefix, whatever signs the names of rooms and namespaces hold. */
function toPattern(prefix: string): string {
  return `${prefix.replace(/[\\*?[\]^-]/g, '\\$&')}*`;
}
