import type { Carrier } from './carrier.js';

/** The number that Socket.IO's Redis protocol gives to requests that make sockets join rooms. */
const remoteJoin = 2;

/** So many rooms can be widened at a time; beyond, those that were joined first are not any more. */
const mostWidened = 100_000;

export type RedisRequest = Readonly<Record<string, unknown>>;

export interface PublisherOptions {
  /** Prefix of every channel. */
  readonly key: string;
  /** How long a room stays widened after sockets were told to join it. */
  readonly joinWindowMs?: number;
}

/**
 * Publishes for the adapter and the emitter, in the place of the Redis client that both expect.
 *
 * A worker subscribes to a room's channel when its first member joins. When sockets elsewhere are told to join a room
 * and a message to the room follows at once, that subscription cannot be live yet. So for a while after a join the
 * room's messages go to the channel of the whole namespace, which every worker hears and which official receivers
 * understand, since the payload names the room.
 */
export class Publisher {
  /** Prefix of every channel that it publishes to. */
  readonly key: string;
  private readonly requestPrefix: string;
  private readonly broadcastPrefix: string;
  private readonly joinWindowMs: number;
  /** By room channel, in the order in which they end. */
  private readonly widened = new Map<string, { readonly namespaceChannel: string; readonly until: number }>();

  constructor(
    private readonly carrier: Carrier,
    { key, joinWindowMs = 5_000 }: PublisherOptions,
  ) {
    this.key = key;
    this.requestPrefix = `${key}-request#`;
    this.broadcastPrefix = `${key}#`;
    this.joinWindowMs = joinWindowMs;
  }

  publish(channel: string, message: string | Buffer): void {
    const bytes = typeof message === 'string' ? Buffer.from(message) : message;
    const request = channel.startsWith(this.requestPrefix) ? parseRequest(bytes) : undefined;
    if (request) this.observe(channel, request);
    this.carrier.publish(this.widened.size === 0 ? channel : this.route(channel), bytes);
  }

  /** Widens the rooms of a request to join, whether it was sent from here or arrived. */
  observe(requestChannel: string, request: RedisRequest): void {
    const rooms = roomsToJoin(request);
    if (rooms.length === 0) return;

    const now = performance.now();
    this.forgetEnded(now);
    const namespace = requestChannel.slice(this.requestPrefix.length, -1);
    const namespaceChannel = `${this.broadcastPrefix}${namespace}#`;
    for (const room of rooms) {
      const roomChannel = `${namespaceChannel}${String(room)}#`;
      this.widened.delete(roomChannel);
      this.widened.set(roomChannel, { namespaceChannel, until: now + this.joinWindowMs });
    }
    for (const oldest of this.widened.keys()) {
      if (this.widened.size <= mostWidened) return;
      this.widened.delete(oldest);
    }
  }

  private route(channel: string): string {
    this.forgetEnded(performance.now());
    return this.widened.get(channel)?.namespaceChannel ?? channel;
  }

  private forgetEnded(now: number): void {
    for (const [channel, { until }] of this.widened) {
      if (until > now) return;
      this.widened.delete(channel);
    }
  }
}

function roomsToJoin({ type, opts, rooms }: RedisRequest): readonly unknown[] {
  return type === remoteJoin && opts && Array.isArray(rooms) ? rooms : [];
}

/** Requests are JSON objects, or msgpack where they carry binary data; only the former are of interest here. */
export function parseRequest(request: Buffer): RedisRequest | undefined {
  if (request[0] !== 0x7b) return undefined;
  try {
    return JSON.parse(request.toString()) as RedisRequest;
  } catch {
    // The adapter ignores a malformed request as well, and says so itself.
    return undefined;
  }
}
