import type { Carrier } from '../carrier.js';
import { announceIntervalMs, hostChannel, type HostSaying, readSaying, toMessage } from './host.protocol.js';
import type { Host } from './session-route.js';

/** A host that has missed that many announcements is forgotten. */
const silenceMs = 3 * announceIntervalMs;

/** More hosts than that are none of a fleet. */
const mostHosts = 1_000;

interface Entry {
  readonly host: Host;
  heardAt: number;
}

/** The other hosts of the fleet, as a worker knows them: a lookup costs nothing, whatever it is asked for. */
export class HostDirectory {
  private readonly entries = new Map<string, Entry>();
  private readonly channel: string;
  private readonly timer: NodeJS.Timeout;
  private readonly unlisten: () => void;

  constructor(
    private readonly carrier: Carrier,
    /** The tag of this host, which is not one of the others. */
    private readonly ownTag: string,
    key: string,
  ) {
    this.channel = hostChannel(key);
    this.unlisten = carrier.onMessage((channel, message) => {
      if (channel === this.channel) this.hear(readSaying(message));
    });
    this.timer = setInterval(() => this.forgetSilent(), announceIntervalMs).unref();
  }

  /** Asks who is there. What has not been answered by then is learnt from the next announcements. */
  async open(): Promise<void> {
    await this.carrier.subscribe([this.channel]);
    this.carrier.publish(this.channel, toMessage({ type: 'who is there' }));
  }

  find(tag: string): Host | undefined {
    return this.entries.get(tag)?.host;
  }

  /** Until it is heard of again. */
  forget({ tag }: Host): void {
    this.entries.delete(tag);
  }

  close(): void {
    clearInterval(this.timer);
    this.unlisten();
    this.carrier.unsubscribe([this.channel]);
  }

  private hear(saying: HostSaying | undefined): void {
    if (saying?.type !== 'here' || saying.tag === this.ownTag) return;
    if (this.entries.size >= mostHosts && !this.entries.has(saying.tag)) return;
    const { tag, name, url, key } = saying;
    this.entries.set(tag, { host: { tag, name, url, key: Buffer.from(key, 'base64') }, heardAt: performance.now() });
  }

  private forgetSilent(): void {
    const now = performance.now();
    const away = this.carrier.health.state !== 'connected';
    for (const [tag, entry] of this.entries) {
      // While the carrier is away nobody can be heard.
      if (away) entry.heardAt = now;
      else if (now - entry.heardAt > silenceMs) this.entries.delete(tag);
    }
  }
}
