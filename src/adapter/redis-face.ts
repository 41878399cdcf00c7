import type { Publisher, RedisRequest } from '../publisher.js';
import { type FencedMessage, isFenced, readFenced } from '../fenced-message.js';
import type { ChannelRouter, Receiver } from './channel-router.js';
import { checkRequest } from './request-check.js';

export type Routing = 'rooms' | 'pattern';

export interface RedisFaceOptions {
  readonly router: ChannelRouter;
  readonly publisher: Publisher;
  readonly routing: Routing;
  /** Takes the fenced messages to the whole namespace; without it they are delivered as all others. */
  readonly onFenced: ((message: FencedMessage) => void) | undefined;
}

type PatternListener = (pattern: Buffer | null, channel: string, message: Buffer) => void;
type ChannelListener = (channel: string, message: Buffer) => void | Promise<void>;

/**
 * What the official adapter believes to be its Redis client, for one namespace.
 *
 * With `rooms` its pattern becomes a subscription to the namespace's own channel, and the rooms' channels are opened
 * and shut as rooms come and go.
 */
export class RedisFace {
  private readonly opened: Promise<void>[] = [];
  private readonly closings: (() => void)[] = [];
  private onPattern: PatternListener = () => {};
  private onChannel: ChannelListener = () => {};

  /** Requests are JSON objects, or msgpack where they carry binary data. */
  decode: (request: Buffer) => RedisRequest = (request) => JSON.parse(request.toString()) as RedisRequest;

  /** How the adapter's own messages and requests begin, which its node hears as any other does. */
  private ownMessage: Uint8Array | undefined;
  private ownRequest: Uint8Array | undefined;

  constructor(private readonly options: RedisFaceOptions) {}

  /** Resolves once what the adapter asked for at its start is live. */
  async ready(): Promise<void> {
    await Promise.all(this.opened);
  }

  /** From here on, what the adapter of this id has sent itself is dropped before it is decoded. */
  ignore(uid: string): void {
    // In msgpack, a list of three that begins with a short string.
    this.ownMessage = Buffer.concat([Buffer.from([0x93, 0xa0 + uid.length]), Buffer.from(uid)]);
    this.ownRequest = Buffer.from(`{"uid":"${uid}"`);
  }

  readonly hearBroadcast: Receiver = (channel, message) => {
    if (beginsWith(message, this.ownMessage)) return;
    if (this.options.onFenced && isFenced(message)) return this.hearFenced(this.options.onFenced, message);
    this.onPattern(null, channel, message);
  };

  private hearFenced(take: (message: FencedMessage) => void, bytes: Buffer): void {
    const message = readFenced(bytes);
    if (!message) throw new TypeError('it is no fenced message');
    take(message);
  }

  private readonly hearRequest: Receiver = (channel, message) => {
    if (beginsWith(message, this.ownRequest)) return undefined;
    const request = this.decode(message);
    checkRequest(request);
    // Another node's request to join widens the room here as well: whoever asked may tell this node to emit next.
    this.options.publisher.observe(channel, request);
    return this.onChannel(channel, message);
  };

  publish(channel: string, message: string | Buffer): void {
    this.options.publisher.publish(channel, message);
  }

  psubscribe(pattern: string): void {
    const { router, routing } = this.options;
    const prefix = pattern.slice(0, -1);
    if (routing === 'pattern') return this.subscribePrefix(prefix);
    this.opened.push(router.subscribe([prefix], this.hearBroadcast));
    this.closings.push(() => router.unsubscribe([prefix], this.hearBroadcast));
  }

  /** Brings the messages to all rooms whose channels begin so. */
  subscribePrefix(prefix: string): void {
    const { router } = this.options;
    this.opened.push(router.subscribePrefix(prefix, this.hearBroadcast));
    this.closings.push(() => router.unsubscribePrefix(prefix, this.hearBroadcast));
  }

  subscribe([requests, ...responses]: readonly [string, ...string[]]): void {
    const { router } = this.options;
    const hearResponse: Receiver = (channel, message) => this.onChannel(channel, message);
    this.opened.push(router.subscribe([requests], this.hearRequest), router.subscribe(responses, hearResponse));
    this.closings.push(() => {
      router.unsubscribe([requests], this.hearRequest);
      router.unsubscribe(responses, hearResponse);
    });
  }

  on(event: string, listener: (...args: never[]) => void): void {
    if (event === 'pmessageBuffer') this.onPattern = listener as PatternListener;
    if (event === 'messageBuffer') this.onChannel = listener as ChannelListener;
  }

  off(): void {
    this.onPattern = () => {};
    this.onChannel = () => {};
  }

  punsubscribe(): void {
    for (const close of this.closings.splice(0)) close();
  }

  /** The official adapter's other way to say what {@link punsubscribe} has done already. */
  unsubscribe(): void {}
}

function beginsWith(message: Uint8Array, start: Uint8Array | undefined): boolean {
  return start?.every((byte, index) => message[index] === byte) ?? false;
}
