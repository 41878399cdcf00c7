import { createHmac, createSecretKey, type KeyObject, timingSafeEqual } from 'node:crypto';
import { Carrier, type CarrierHealth, type MessageListener } from '../carrier.js';
import { refusedMessages } from '../refused-messages.js';

/** Half of a SHA-256: nobody guesses 128 bits, and each message is longer by it. */
const signatureBytes = 16;

/**
 * Signs what is published over another carrier, and refuses what does not bear the fleet's signature.
 *
 * The signature is over the channel and the message, so that a message cannot be moved to another channel. Whoever
 * hears a message can publish the same bytes there again: that is not prevented. Official emitters and adapters do not
 * sign, so they cannot publish to a fleet that does, nor read what it publishes.
 */
export class SignedCarrier extends Carrier {
  private readonly key: KeyObject;

  /** @param key the same in every process of the fleet */
  constructor(
    private readonly carrier: Carrier,
    key: string,
  ) {
    super();
    this.key = createSecretKey(Buffer.from(key));
  }

  get name(): Carrier['name'] {
    return this.carrier.name;
  }

  override get hearsPrefixes(): boolean {
    return this.carrier.hearsPrefixes;
  }

  get health(): CarrierHealth {
    return this.carrier.health;
  }

  publish(channel: string, message: Buffer): void {
    this.carrier.publish(channel, Buffer.concat([this.sign(channel, message), message]));
  }

  subscribe(channels: readonly string[]): Promise<void> {
    return this.carrier.subscribe(channels);
  }

  subscribePrefix(prefix: string): Promise<void> {
    return this.carrier.subscribePrefix(prefix);
  }

  unsubscribe(channels: readonly string[]): void {
    this.carrier.unsubscribe(channels);
  }

  unsubscribePrefix(prefix: string): void {
    this.carrier.unsubscribePrefix(prefix);
  }

  subscribers(channel: string): Promise<number> {
    return this.carrier.subscribers(channel);
  }

  onMessage(listener: MessageListener): () => void {
    return this.carrier.onMessage((channel, signed) => {
      const message = signed.subarray(signatureBytes);
      if (this.bearsSignature(channel, signed, message)) listener(channel, message);
      else refusedMessages.add('a message without the fleet’s signature', channel, `${signed.length} bytes`);
    });
  }

  close(): Promise<void> {
    return this.carrier.close();
  }

  private bearsSignature(channel: string, signed: Buffer, message: Buffer): boolean {
    if (signed.length < signatureBytes) return false;
    return timingSafeEqual(signed.subarray(0, signatureBytes), this.sign(channel, message));
  }

  private sign(channel: string, message: Buffer): Buffer {
    const hmac = createHmac('sha256', this.key);
    // The length says where the channel ends.
    hmac.update(`${Buffer.byteLength(channel)}:${channel}`).update(message);
    return hmac.digest().subarray(0, signatureBytes);
  }
}

/** The carrier itself where there is no key. */
export function signedWith(key: string | undefined, carrier: Carrier): Carrier {
  return key === undefined ? carrier : new SignedCarrier(carrier, key);
}
