import { performance } from 'node:perf_hooks';
import { onTestFinished } from 'vitest';
import { io, type Socket } from 'socket.io-client';
import type { Heartbeat } from '../../src/events.js';

export interface BeatReport {
  readonly clients: number;
  /** Of all clients together. */
  readonly accepted: number;
  readonly fewestPerClient: number;
  readonly mostPerClient: number;
  /** The same sequence again on one connection. */
  readonly doubled: number;
  readonly backwards: number;
  /** Sequences between the first and the last of a connection that it never heard. */
  readonly missing: number;
  /** The longest time without a beat on one connection, in milliseconds. */
  readonly longestGapMs: number;
}

interface Connection {
  last: number | undefined;
  lastAt: number;
}

/** Clients that come back by themselves, and what each of their connections has heard. */
export class BeatLog {
  private readonly clients: Socket[] = [];
  private readonly accepted: number[] = [];
  private doubled = 0;
  private backwards = 0;
  private missing = 0;
  private longestGapMs = 0;

  connect(url: string, count: number): void {
    for (let index = 0; index < count; index++) {
      const number = this.clients.length;
      const socket = io(url, {
        transports: ['websocket'],
        forceNew: true,
        reconnectionDelay: 100,
        reconnectionDelayMax: 500,
      });
      onTestFinished(() => void socket.disconnect());
      this.clients.push(socket);
      this.accepted.push(0);
      this.follow(socket, number);
    }
  }

  get connected(): number {
    return this.clients.filter(({ connected }) => connected).length;
  }

  report(): BeatReport {
    for (const client of this.clients) client.disconnect();
    const { accepted, doubled, backwards, missing, longestGapMs } = this;
    return {
      clients: this.clients.length,
      accepted: accepted.reduce((sum, count) => sum + count, 0),
      fewestPerClient: Math.min(...accepted),
      mostPerClient: Math.max(...accepted),
      doubled,
      backwards,
      missing,
      longestGapMs: Math.round(longestGapMs),
    };
  }

  private follow(socket: Socket, number: number): void {
    let connection: Connection = { last: undefined, lastAt: performance.now() };
    socket.on('connect', () => (connection = { last: undefined, lastAt: performance.now() }));
    socket.on('heartbeat', ({ sequence }: Heartbeat) => {
      const { last, lastAt } = connection;
      const now = performance.now();
      this.accepted[number]!++;
      this.longestGapMs = Math.max(this.longestGapMs, now - lastAt);
      if (last !== undefined) {
        if (sequence === last) this.doubled++;
        else if (sequence < last) this.backwards++;
        else this.missing += sequence - last - 1;
      }
      connection = { last: sequence, lastAt: now };
    });
  }
}
