import { setTimeout as elapsed } from 'node:timers/promises';
import { eventually } from '../../test/support/eventually.js';
import { Asks } from './asks.js';
import { ChaosClient } from './client.js';
import type { Stream } from './history.js';
import type { Ledger } from './ledger.js';
import { OutsideEmitter } from './outside-emitter.js';

export interface TrafficOptions {
  readonly url: string;
  readonly redis: { readonly url: string; readonly key: string };
  readonly clients: number;
  readonly ledger: Ledger;
}

const load = {
  clientsPerRoom: 12,
  /** How many of the clients stop reading now and then; they hear what all hear, and the bulk. */
  slowClients: 4,
  /** Messages a second of all clients together, to rooms. */
  says: 120,
  /** Messages a second of the emitter outside: to everybody, and to one client each. */
  broadcasts: 10,
  directs: 20,
  tickMs: 20,
  /** What comes while clients do not read: more than the kernel's buffers take. */
  bulkMessages: 48,
  bulkBytes: 256 * 1024,
} as const;

const bulkRoom = 'bulk';

/** Clients in rooms that speak to each other, and an emitter outside that speaks to them. */
export class Traffic {
  readonly asks = new Asks();
  private readonly clients: readonly ChaosClient[];
  private readonly slow: readonly ChaosClient[];
  private readonly emitter: OutsideEmitter;
  private readonly everybody: Stream;
  private readonly bulk: Stream;
  private timer: NodeJS.Timeout | undefined;
  private nextSpeaker = 0;
  private nextAddressee = 0;

  private constructor({ url, redis, clients, ledger }: TrafficOptions) {
    const names = Array.from({ length: clients }, (_, index) => `c${index + 1}`);
    const slowNames = names.slice(0, load.slowClients);
    const rooms = Math.ceil(clients / load.clientsPerRoom);
    const { asks } = this;
    this.clients = names.map((name, index) => {
      const isSlow = index < load.slowClients;
      ledger.enlist(name, isSlow ? 'now and then' : 'always');
      const room = `room-${index % rooms}`;
      const audience = names.filter((_, other) => other % rooms === index % rooms);
      return new ChaosClient({ name, url, rooms: isSlow ? [room, bulkRoom] : [room], audience, asks, ledger });
    });
    this.slow = this.clients.slice(0, load.slowClients);
    this.emitter = new OutsideEmitter(redis.url, redis.key, ledger);
    this.everybody = ledger.open('everybody', names);
    this.bulk = ledger.open(bulkRoom, slowNames);
  }

  /**
   * Resolves once all clients are in their rooms.
   *
   * @throws Error when some never are.
   */
  static async start(options: TrafficOptions): Promise<Traffic> {
    const traffic = new Traffic(options);
    try {
      await traffic.isWhole();
    } catch (cause) {
      traffic.close();
      throw new Error('The clients do not all come into their rooms, though nothing is broken yet.', { cause });
    }
    traffic.begin();
    return traffic;
  }

  get slowNames(): readonly string[] {
    return this.slow.map(({ name }) => name);
  }

  /** How one of the clients is reached alone. */
  get someId(): string | undefined {
    return this.clients.find(({ direct }) => direct)?.direct?.id;
  }

  /** Some clients read nothing for so long, while much is sent to them. */
  async slowDown(forMs: number, signal: AbortSignal): Promise<void> {
    for (const client of this.slow) client.pause();
    for (let count = 0; count < load.bulkMessages && !signal.aborted; count++) {
      void this.emitter.say(this.bulk, bulkRoom, 'x'.repeat(load.bulkBytes));
      await elapsed(forMs / load.bulkMessages, undefined, { signal }).catch(() => {});
    }
    for (const client of this.slow) client.resume();
  }

  /** Ends the speaking, and resolves once every question has its answer and all clients are back, or cannot come. */
  async stop(isInVain: () => boolean): Promise<void> {
    clearInterval(this.timer);
    await this.asks.settled();
    await this.isWhole(isInVain).catch(() => {});
  }

  close(): void {
    clearInterval(this.timer);
    for (const client of this.clients) client.end();
    this.emitter.end();
  }

  private begin(): void {
    let lastAt = performance.now();
    const owed = { says: 0, broadcasts: 0, directs: 0 };
    this.timer = setInterval(() => {
      const now = performance.now();
      for (const kind of ['says', 'broadcasts', 'directs'] as const) {
        // What a blocked process owes is not made up for in one burst.
        owed[kind] = Math.min(owed[kind] + ((now - lastAt) / 1_000) * load[kind], load[kind]);
        for (; owed[kind] >= 1; owed[kind]--) this.speak(kind);
      }
      lastAt = now;
    }, load.tickMs);
  }

  private async isWhole(isInVain = () => false): Promise<void> {
    await eventually(
      () => this.clients.filter(({ isThere }) => !isThere).map(({ name }) => name),
      (away) => away.length === 0 || isInVain(),
    );
  }

  private speak(kind: 'says' | 'broadcasts' | 'directs'): void {
    if (kind === 'broadcasts') return void this.emitter.say(this.everybody);
    const client = this.clients[(kind === 'says' ? this.nextSpeaker++ : this.nextAddressee++) % this.clients.length]!;
    if (kind === 'says') return void client.say();
    if (client.direct) void this.emitter.say(client.direct.stream, client.direct.id);
  }
}
