import { Carrier, type CarrierHealth } from '../../src/carrier.js';

/** A carrier that leads nowhere and remembers what it was given. */
export class RecordingCarrier extends Carrier {
  readonly name = 'embedded';
  get health(): CarrierHealth {
    return { state: 'connected', lost: 0 };
  }

  readonly published: { readonly channel: string; readonly message: Buffer }[] = [];

  /** The channels, in the order of the messages. */
  get channels(): string[] {
    return this.published.map(({ channel }) => channel);
  }

  publish(channel: string, message: Buffer): void {
    this.published.push({ channel, message });
  }

  async subscribe(): Promise<void> {}

  async subscribePrefix(): Promise<void> {}

  unsubscribe(): void {}

  unsubscribePrefix(): void {}

  subscribers(): Promise<number> {
    return Promise.resolve(1);
  }

  onMessage(): () => void {
    return () => {};
  }

  async close(): Promise<void> {}
}
