import { Carrier, type CarrierHealth, type MessageListener } from '../carrier.js';
import { refusedMessages } from '../refused-messages.js';
import { within } from '../within.js';
import { type HubReply, type HubRequest, isHubReply, type ProcessLink } from './embedded.protocol.js';
import { LossLog } from './loss-log.js';
import { Outbox } from './outbox.js';

/** How long the hub may take to say how many subscribers a channel has. */
const answerTimeoutMs = 5_000;

/** Carries messages through the hub in the primary: one host, nothing to install. */
export class EmbeddedCarrier extends Carrier {
  readonly name = 'embedded';

  private readonly outbox: Outbox<HubRequest>;
  private readonly listeners = new Set<MessageListener>();
  private readonly waiting = new Map<number, (value: number) => void>();
  private readonly unlisten: () => void;
  private lastTicket = 0;
  private readonly losses = new LossLog(EmbeddedCarrier.name);
  private state: CarrierHealth['state'] = 'connected';

  constructor(link: ProcessLink, limitBytes?: number) {
    super();
    this.outbox = new Outbox<HubRequest>(link, limitBytes, (count) =>
      this.losses.say(count, 'the channel to the primary is closed'),
    );
    this.unlisten = link.listen((replies) => {
      for (const reply of replies) {
        if (isHubReply(reply)) this.take(reply);
        else refusedMessages.add('a reply of the embedded carrier', 'ipc', 'it has no such form');
      }
    });
  }

  get health(): CarrierHealth {
    return { state: this.state, lost: this.losses.total };
  }

  publish(channel: string, message: Buffer): void {
    if (this.state === 'closed') this.losses.count(1);
    else if (!this.outbox.putMessage(['publish', channel, message], message.length)) {
      this.losses.say(1, 'the primary does not read');
    }
  }

  async subscribe(channels: readonly string[]): Promise<void> {
    if (channels.length > 0) await this.ask((ticket) => ['subscribe', ticket, channels]);
  }

  async subscribePrefix(prefix: string): Promise<void> {
    await this.ask((ticket) => ['subscribePrefix', ticket, prefix]);
  }

  unsubscribe(channels: readonly string[]): void {
    if (channels.length > 0 && this.state !== 'closed') this.outbox.put(['unsubscribe', channels]);
  }

  unsubscribePrefix(prefix: string): void {
    if (this.state !== 'closed') this.outbox.put(['unsubscribePrefix', prefix]);
  }

  async subscribers(channel: string): Promise<number> {
    const answer = this.ask((ticket) => ['count', ticket, channel]);
    return await within(answerTimeoutMs, answer, () => {
      throw new Error(`The primary did not answer within ${answerTimeoutMs} ms.`);
    });
  }

  onMessage(listener: MessageListener): () => void {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  }

  async close(): Promise<void> {
    if (this.state === 'closed') return;
    this.state = 'closed';
    this.outbox.put(['end']);
    this.outbox.flush();
    this.unlisten();
    for (const answer of this.waiting.values()) answer(0);
    this.waiting.clear();
  }

  private ask(request: (ticket: number) => HubRequest): Promise<number> {
    if (this.state === 'closed') return Promise.resolve(0);
    const ticket = ++this.lastTicket;
    return new Promise((resolve) => {
      this.waiting.set(ticket, resolve);
      this.outbox.put(request(ticket));
    });
  }

  private take(reply: HubReply): void {
    if (reply[0] === 'message') {
      for (const listener of this.listeners) listener(reply[1], reply[2]);
      return;
    }
    const [, ticket, value] = reply;
    this.waiting.get(ticket)?.(value);
    this.waiting.delete(ticket);
  }
}
