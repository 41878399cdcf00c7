import type { Carrier } from '../carrier.js';
import {
  announceIntervalMs,
  hostChannel,
  type HostSaying,
  questionChannel,
  readSaying,
  toMessage,
} from './host.protocol.js';
import type { Host } from './session-route.js';

const answerIntervalMs = 20;

/** Tells the other hosts of the fleet, from the primary, that this one is there and how it is reached. */
export class HostBeacon {
  private readonly channel: string;
  private readonly questions: string;
  private readonly timer: NodeJS.Timeout;
  private readonly unlisten: () => void;
  private answering: NodeJS.Timeout | undefined;
  private answeredAt = -Infinity;

  constructor(
    private readonly carrier: Carrier,
    private readonly host: Host,
    key: string,
  ) {
    this.channel = hostChannel(key);
    this.questions = questionChannel(key);
    this.unlisten = carrier.onMessage((channel, message) => {
      if (channel === this.questions && readSaying(channel, message)?.type === 'who is there') this.answerSoon();
    });
    void carrier.subscribe([this.questions]);
    this.announce();
    this.timer = setInterval(() => this.announce(), announceIntervalMs);
  }

  close(): void {
    clearInterval(this.timer);
    clearTimeout(this.answering);
    this.unlisten();
    this.carrier.unsubscribe([this.questions]);
  }

  /** One answer for all who ask within a moment of the last one, since everybody hears it. */
  private answerSoon(): void {
    const answerIn = this.answeredAt + answerIntervalMs - performance.now();
    if (answerIn <= 0) return this.answer();
    this.answering ??= setTimeout(() => this.answer(), answerIn);
  }

  private answer(): void {
    this.answering = undefined;
    this.answeredAt = performance.now();
    this.announce();
  }

  private announce(): void {
    const { tag, name, url, key } = this.host;
    this.say({ type: 'here', tag, name, url, key: key.toString('base64') });
  }

  private say(saying: HostSaying): void {
    this.carrier.publish(this.channel, toMessage(saying));
  }
}
