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

/** Tells the other hosts of the fleet, from the primary, that this one is there and how it is reached. */
export class HostBeacon {
  private readonly channel: string;
  private readonly questions: string;
  private readonly timer: NodeJS.Timeout;
  private readonly unlisten: () => void;

  constructor(
    private readonly carrier: Carrier,
    private readonly host: Host,
    key: string,
  ) {
    this.channel = hostChannel(key);
    this.questions = questionChannel(key);
    this.unlisten = carrier.onMessage((channel, message) => {
      if (channel === this.questions && readSaying(message)?.type === 'who is there') this.announce();
    });
    void carrier.subscribe([this.questions]);
    this.announce();
    this.timer = setInterval(() => this.announce(), announceIntervalMs);
  }

  close(): void {
    clearInterval(this.timer);
    this.unlisten();
    this.carrier.unsubscribe([this.questions]);
  }

  private announce(): void {
    const { tag, name, url, key } = this.host;
    this.say({ type: 'here', tag, name, url, key: key.toString('base64') });
  }

  private say(saying: HostSaying): void {
    this.carrier.publish(this.channel, toMessage(saying));
  }
}
