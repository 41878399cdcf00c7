import { io, type Socket } from 'socket.io-client';
import type { Heartbeat, Said, Welcome } from '../../src/events.js';
import type { Asks } from './asks.js';
import type { Stay, Stream } from './history.js';
import type { Ledger } from './ledger.js';
import { readNumbered, writeNumbered } from './numbered.js';

export interface ChaosClientOptions {
  readonly name: string;
  readonly url: string;
  /** It speaks in the first. */
  readonly rooms: readonly [string, ...string[]];
  /** Who is in that room. */
  readonly audience: readonly string[];
  readonly asks: Asks;
  readonly ledger: Ledger;
}

/** A client that comes back by itself, speaks with numbers, and has written down all that it hears. */
export class ChaosClient {
  readonly name: string;
  private readonly socket: Socket;
  private stay: Stay | undefined;
  private connections = 0;
  private speech: Stream | undefined;
  private address: { readonly id: string; readonly stream: Stream } | undefined;

  constructor(private readonly options: ChaosClientOptions) {
    this.name = options.name;
    this.socket = io(options.url, {
      transports: ['websocket'],
      forceNew: true,
      reconnectionDelay: 100,
      reconnectionDelayMax: 500,
    });
    this.listen();
  }

  get isThere(): boolean {
    return this.speech !== undefined;
  }

  /** Says the next number in its room, unless it is away. */
  async say(): Promise<void> {
    if (!this.speech) return;
    const { asks, ledger, rooms } = this.options;
    const { number, message } = ledger.send(this.speech);
    message.fate = await asks.ask(this.socket, 'say', {
      room: rooms[0],
      text: writeNumbered(this.speech.name, number),
    });
  }

  /** How to reach this connection alone, and the stream of what is sent there. */
  get direct(): { readonly id: string; readonly stream: Stream } | undefined {
    return this.address;
  }

  /** Reads nothing until {@link resume}. */
  pause(): void {
    this.connection()?.pause();
  }

  resume(): void {
    this.connection()?.resume();
  }

  end(): void {
    this.socket.removeAllListeners().disconnect();
  }

  private listen(): void {
    const { ledger } = this.options;
    this.socket.on('welcome', ({ worker }: Welcome) => void this.join(worker));
    this.socket.on('disconnect', (reason) => this.leave(reason));
    this.socket.on('said', ({ text }: Said) => {
      const said = readNumbered(text);
      if (this.stay && said) ledger.hear(this.stay, said.stream, said.number);
    });
    this.socket.on('heartbeat', ({ sequence }: Heartbeat) => {
      if (this.stay) ledger.hearBeat(this.stay, sequence);
    });
  }

  private async join(slot: number): Promise<void> {
    const { name, asks, audience, ledger, rooms } = this.options;
    const stay = ledger.arrive(name, slot);
    this.stay = stay;
    const fates = await Promise.all(rooms.map((room) => asks.ask(this.socket, 'join', room)));
    if (this.stay !== stay || fates.some((fate) => fate !== 'taken')) return;
    ledger.join(stay);
    const connection = `${name}.${++this.connections}`;
    this.speech = ledger.open(connection, audience, slot);
    this.address = { id: this.socket.id!, stream: ledger.open(`to ${connection}`, [name]) };
  }

  private leave(reason: string): void {
    if (this.stay) this.options.ledger.leave(this.stay);
    this.stay = this.speech = this.address = undefined;
    // After this one alone the library does not come back by itself.
    if (reason === 'io server disconnect') this.socket.connect();
  }

  /** The library has no name for what lies below it. */
  private connection(): Pausable | undefined {
    return (this.socket.io.engine?.transport as { ws?: Pausable } | undefined)?.ws;
  }
}

interface Pausable {
  pause(): void;
  resume(): void;
}
