import type { Publisher, RedisRequest } from '../publisher.js';
import { type FencedMessage, isFenced, readFenced } from '../fenced-message.js';
import { nameAnswer } from './answer-name.js';
import type { ChannelRouter, Receiver } from './channel-router.js';
import type { BroadcastMessage } from './message-check.js';
import type { Answer, MessageReader } from './message-reader.js';
import type { FleetProcess } from './process-directory.js';

export type Routing = 'rooms' | 'pattern';

export interface RedisFaceOptions {
  readonly router: ChannelRouter;
  readonly publisher: Publisher;
  readonly routing: Routing;
  /** Takes the fenced messages to the whole namespace; without it they are delivered as all others. */
  readonly onFenced: ((message: FencedMessage) => void) | undefined;
}

/** The adapter behind the face. */
export interface FaceOwner {
  /** As it calls itself in its messages. */
  readonly uid: string;
  /** Prefix of the channels that answers go to. */
  readonly answers: string;
  readonly process: FleetProcess;
  readonly reader: MessageReader;
  /** Whether messages on the channel can be for clients of this node. */
  concerns(channel: string): boolean;
  onBroadcast(message: BroadcastMessage): void;
  /** Whether it waits for any answer. */
  awaitsAnswers(): boolean;
  onAnswer(answer: Answer): void;
}

type ChannelListener = (channel: string, message: Buffer) => void | Promise<void>;

/**
 * What the official adapter believes to be its Redis client, for one namespace.
 *
 * With `rooms` its pattern becomes a subscription to the namespace's own channel, and the rooms' channels are opened
 * and shut as rooms come and go. Of what arrives, the official adapter gets only requests, and those that it may have.
 */
export class RedisFace {
  private readonly opened: Promise<void>[] = [];
  private readonly closings: (() => void)[] = [];
  private onRequest: ChannelListener = () => {};
  private owner: FaceOwner | undefined;

  /** How the adapter's own messages and requests begin, which its node hears as any other does. */
  private ownMessage: Uint8Array | undefined;
  private ownRequests: readonly Uint8Array[] = [];

  constructor(private readonly options: RedisFaceOptions) {}

  /** Resolves once what the adapter asked for at its start is live. */
  async ready(): Promise<void> {
    await Promise.all(this.opened);
  }

  /** From here on, what the adapter has sent itself is dropped before it is decoded, and the rest is brought to it. */
  serve(owner: FaceOwner): void {
    const { uid } = owner;
    this.owner = owner;
    // In msgpack, a list of three that begins with a short string, and a map of five that begins with such a name.
    const text = Buffer.from([0xa0 + uid.length, ...Buffer.from(uid)]);
    this.ownMessage = Buffer.from([0x93, ...text]);
    this.ownRequests = [Buffer.from(`{"uid":"${uid}"`), Buffer.from([0x85, 0xa3, ...Buffer.from('uid'), ...text])];
  }

  readonly hearBroadcast: Receiver = {
    kind: 'a broadcast',
    receive: (channel, message) => {
      if (!this.owner?.concerns(channel) || beginsWith(message, this.ownMessage)) return;
      const { onFenced } = this.options;
      if (onFenced && isFenced(message)) onFenced(toFenced(message));
      else this.owner.onBroadcast(this.owner.reader.broadcast(message));
    },
  };

  private readonly hearRequest: Receiver = {
    kind: 'a request',
    receive: (channel, message) => {
      if (!this.owner || this.ownRequests.some((start) => beginsWith(message, start))) return undefined;
      const request: RedisRequest = this.owner.reader.request(message);
      // Another node's request to join widens the room here as well: whoever asked may tell this node to emit next.
      this.options.publisher.observe(channel, request);
      return this.onRequest(channel, message);
    },
  };

  private readonly hearAnswer: Receiver = {
    kind: 'an answer',
    receive: (_channel, message) => {
      // Every node hears the answers to all.
      if (this.owner?.awaitsAnswers()) this.owner.onAnswer(this.owner.reader.answer(message));
    },
  };

  publish(channel: string, message: string | Buffer): void {
    const { publisher } = this.options;
    const isAnswer = this.owner && channel.startsWith(this.owner.answers);
    publisher.publish(channel, isAnswer ? nameAnswer(message, this.owner!.process) : message);
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

  subscribe([requests, ...answers]: readonly [string, ...string[]]): void {
    const { router } = this.options;
    this.opened.push(router.subscribe([requests], this.hearRequest), this.hearAnswers(answers));
    this.closings.push(() => router.unsubscribe([requests], this.hearRequest));
  }

  /** Hears answers on these channels as well. */
  subscribeAnswers(channels: readonly string[]): void {
    this.opened.push(this.hearAnswers(channels));
  }

  on(event: string, listener: (...args: never[]) => void): void {
    if (event === 'messageBuffer') this.onRequest = listener as ChannelListener;
  }

  off(): void {
    this.onRequest = () => {};
    this.owner = undefined;
  }

  punsubscribe(): void {
    for (const close of this.closings.splice(0)) close();
  }

  /** The official adapter's other way to say what {@link punsubscribe} has done already. */
  unsubscribe(): void {}

  private hearAnswers(channels: readonly string[]): Promise<void> {
    const { router } = this.options;
    this.closings.push(() => router.unsubscribe(channels, this.hearAnswer));
    return router.subscribe(channels, this.hearAnswer);
  }
}

function toFenced(bytes: Buffer): FencedMessage {
  const message = readFenced(bytes);
  if (!message) throw new TypeError('it is no fenced message');
  return message;
}

function beginsWith(message: Uint8Array, start: Uint8Array | undefined): boolean {
  return start?.every((byte, index) => message[index] === byte) ?? false;
}
