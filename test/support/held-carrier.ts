import { Carrier, type MessageListener } from '../../src/carrier.js';

/** A carrier whose subscriptions become live only when the test lets them. */
export class HeldCarrier extends Carrier {
  private readonly waiting: (() => void)[] = [];
  private holding = false;

  constructor(private readonly inner: Carrier) {
    super();
  }

  get name(): Carrier['name'] {
    return this.inner.name;
  }

  override get hearsPrefixes(): boolean {
    return this.inner.hearsPrefixes;
  }

  get health(): Carrier['health'] {
    return this.inner.health;
  }

  /** From here on, subscriptions wait. */
  hold(): void {
    this.holding = true;
  }

  release(): void {
    this.holding = false;
    for (const go of this.waiting.splice(0)) go();
  }

  publish(channel: string, message: Buffer): void {
    this.inner.publish(channel, message);
  }

  async subscribe(channels: readonly string[]): Promise<void> {
    await this.released();
    await this.inner.subscribe(channels);
  }

  async subscribePrefix(prefix: string): Promise<void> {
    await this.released();
    await this.inner.subscribePrefix(prefix);
  }

  unsubscribe(channels: readonly string[]): void {
    this.inner.unsubscribe(channels);
  }

  unsubscribePrefix(prefix: string): void {
    this.inner.unsubscribePrefix(prefix);
  }

  subscribers(channel: string): Promise<number> {
    return this.inner.subscribers(channel);
  }

  onMessage(listener: MessageListener): () => void {
    return this.inner.onMessage(listener);
  }

  close(): Promise<void> {
    return this.inner.close();
  }

  private async released(): Promise<void> {
    if (this.holding) await new Promise<void>((resolve) => void this.waiting.push(resolve));
  }
}
