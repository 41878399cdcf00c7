import type { Carrier } from '../carrier.js';
import type { ChannelRouter, Receiver } from './channel-router.js';

/** More than that are none of a fleet; the oldest are forgotten. */
const mostProcesses = 1_000;

const longestBytes = 1_024;

/** A process that serves clients, as the others know it. */
export interface FleetProcess {
  /** Makes it different from all others, and from those that had its name before. */
  readonly tag: string;
  readonly name: string;
}

interface Entry {
  readonly name: string;
  /** When it said that it had just started; 0 for who was there before. */
  readonly joinedAt: number;
}

/**
 * The other processes of the fleet by name, so that who does not answer can be named.
 *
 * Each says its name once when it starts, and is told the names of the others. Whether one of them still lives is not
 * known here: that is asked when it matters.
 */
export class ProcessDirectory {
  private readonly entries = new Map<string, Entry>();
  private readonly common: string;

  constructor(
    private readonly carrier: Carrier,
    private readonly router: ChannelRouter,
    key: string,
    readonly own: FleetProcess,
  ) {
    this.common = `${key}-processes`;
  }

  open(): void {
    const heard = this.router.subscribe([this.common, this.channelOf(this.own.tag)], this.receiver);
    void heard.then(() => this.say(this.common));
  }

  close(): void {
    this.router.unsubscribe([this.common, this.channelOf(this.own.tag)], this.receiver);
    this.entries.clear();
  }

  get tags(): IterableIterator<string> {
    return this.entries.keys();
  }

  /** All that are known, with their names. */
  get names(): Iterable<readonly [tag: string, name: string]> {
    return [...this.entries].map(([tag, { name }]) => [tag, name]);
  }

  /** Whether it has started after that moment of `performance.now()`. */
  joinedAfter(tag: string, moment: number): boolean {
    return (this.entries.get(tag)?.joinedAt ?? 0) > moment;
  }

  /** Of who has answered a request, and so was there before. */
  learn(process: FleetProcess): void {
    if (!this.entries.has(process.tag)) this.enter(process, 0);
  }

  /** Who hears nothing any more has ended, in whatever way. */
  async forgetIfGone(tag: string): Promise<void> {
    const hearing = await this.carrier.subscribers(this.channelOf(tag)).catch(() => 1);
    if (hearing === 0) this.entries.delete(tag);
  }

  private readonly receiver: Receiver = {
    kind: 'the name of a process',
    receive: (channel, message) => {
      const process = read(message);
      if (process.tag === this.own.tag) return;
      this.enter(process, channel === this.common ? performance.now() : 0);
      if (channel === this.common) this.say(this.channelOf(process.tag));
    },
  };

  private enter({ tag, name }: FleetProcess, joinedAt: number): void {
    this.entries.delete(tag);
    this.entries.set(tag, { name, joinedAt });
    for (const oldest of this.entries.keys()) {
      if (this.entries.size <= mostProcesses) return;
      this.entries.delete(oldest);
    }
  }

  private say(channel: string): void {
    this.carrier.publish(channel, Buffer.from(JSON.stringify(this.own)));
  }

  private channelOf(tag: string): string {
    return `${this.common}#${tag}`;
  }
}

/** Undefined for what is none. */
export function readProcess(value: unknown): FleetProcess | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { tag, name } = value as Readonly<Record<string, unknown>>;
  const isProcess = typeof tag === 'string' && /^[\w-]{1,32}$/.test(tag) && typeof name === 'string';
  return isProcess && name.length <= 255 ? { tag, name } : undefined;
}

function read(message: Buffer): FleetProcess {
  const process = message.length <= longestBytes ? readProcess(JSON.parse(message.toString())) : undefined;
  if (!process) throw new TypeError('it names no process');
  return process;
}
