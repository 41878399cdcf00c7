import type { Carrier } from '../carrier.js';
import { within } from '../within.js';
import {
  announceIntervalMs,
  hostChannel,
  type HostSaying,
  questionChannel,
  readSaying,
  toMessage,
} from './host.protocol.js';
import type { Host } from './session-route.js';

/** A host that has missed that many announcements is forgotten. */
const silenceMs = 3 * announceIntervalMs;

/** More hosts than that are none of a fleet. */
const mostHosts = 1_000;

/** How long a worker that starts waits for the answers of all hosts. */
const answerTimeoutMs = 1_000;

interface Entry {
  readonly host: Host;
  heardAt: number;
}

/** The other hosts of the fleet, as a worker knows them: a lookup costs nothing, whatever it is asked for. */
export class HostDirectory {
  private readonly entries = new Map<string, Entry>();
  private readonly channel: string;
  private readonly questions: string;
  private onAnswer: (tag: string) => void = () => {};
  private readonly timer: NodeJS.Timeout;
  private readonly unlisten: () => void;

  constructor(
    private readonly carrier: Carrier,
    /** The tag of this host, which is not one of the others. */
    private readonly ownTag: string,
    key: string,
  ) {
    this.channel = hostChannel(key);
    this.questions = questionChannel(key);
    this.unlisten = carrier.onMessage((channel, message) => {
      if (channel === this.channel) this.hear(readSaying(channel, message));
    });
    this.timer = setInterval(() => this.forgetSilent(), announceIntervalMs).unref();
  }

  /**
   * Asks who is there, and resolves once every host has answered: a client of a host that is not known yet would lose
   * its session. Waits no longer than a second; who is silent until then is learnt of from the next announcement.
   */
  async open(): Promise<void> {
    const asked = this.askAll();
    // While the carrier is away there is nobody to wait for.
    if (this.carrier.health.state === 'connected') await within(answerTimeoutMs, asked, () => {});
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

  private async askAll(): Promise<void> {
    await this.carrier.subscribe([this.channel]);
    const hosts = await this.carrier.subscribers(this.questions).catch(() => 0);
    const answered = new Set<string>();
    const all = new Promise<void>((resolve) => {
      this.onAnswer = (tag) => {
        if (answered.add(tag).size >= hosts) resolve();
      };
    });
    this.carrier.publish(this.questions, toMessage({ type: 'who is there' }));
    if (hosts > 0) await within(answerTimeoutMs, all, () => {});
    this.onAnswer = () => {};
  }

  private hear(saying: HostSaying | undefined): void {
    if (saying?.type !== 'here') return;
    this.enter(saying);
    this.onAnswer(saying.tag);
  }

  private enter(saying: Extract<HostSaying, { type: 'here' }>): void {
    if (saying.tag === this.ownTag) return;
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
