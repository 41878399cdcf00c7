import type { History, Message, Stay, Stream, Trouble } from './history.js';
import { Received } from './received.js';

/** The beats, numbered by the program itself. Nobody waits for all of them, but none may come twice or backwards. */
const heartbeat = 'heartbeat';

/** Writes down what is sent, heard and broken, as it happens. */
export class Ledger implements History {
  readonly troubles: Trouble[] = [];
  readonly stays = new Map<string, Stay[]>();
  private readonly byName = new Map<string, Stream>();
  private readonly lastBeats = new WeakMap<Stay, number>();
  private readonly absentSince = new Map<string, number>();
  private readonly punctual = new Set<string>();
  /** The longest that a client was connected without a beat; of clients that read at all times. */
  longestSilenceMs = 0;
  /** The longest that a client was between two of its connections. */
  longestAbsenceMs = 0;
  heard = 0;

  constructor(private readonly now: () => number = () => performance.now()) {}

  get streams(): Iterable<Stream> {
    return this.byName.values();
  }

  get sent(): number {
    return [...this.streams].reduce((sum, { messages }) => sum + messages.length, 0);
  }

  /** A client that is to be judged; one that `reads` only now and then has silences of its own making. */
  enlist(client: string, reads: 'always' | 'now and then'): void {
    this.stays.set(client, []);
    if (reads === 'always') this.punctual.add(client);
  }

  open(name: string, audience: readonly string[], slot?: number): Stream {
    const stream: Stream = { name, audience, slot, messages: [] };
    this.byName.set(name, stream);
    return stream;
  }

  /** Adds a message to the stream, with the next number. */
  send({ messages }: Stream): { readonly number: number; readonly message: Message } {
    const message: Message = { sentAt: this.now(), fate: 'open' };
    return { number: messages.push(message), message };
  }

  arrive(client: string, slot: number): Stay {
    const stay: Stay = { client, slot, joinedAt: undefined, leftAt: undefined, heard: new Map() };
    this.stays.get(client)!.push(stay);
    return stay;
  }

  join(stay: Stay): void {
    const now = this.now();
    stay.joinedAt = now;
    this.lastBeats.set(stay, now);
    this.longestAbsenceMs = Math.max(this.longestAbsenceMs, now - (this.absentSince.get(stay.client) ?? now));
    this.absentSince.delete(stay.client);
  }

  leave(stay: Stay): void {
    stay.leftAt = this.now();
    this.noteSilence(stay);
    if (!this.absentSince.has(stay.client)) this.absentSince.set(stay.client, stay.leftAt);
  }

  hear(stay: Stay, stream: string, number: number): void {
    if (!this.byName.has(stream)) return;
    this.heard++;
    this.note(stay, stream, number);
  }

  hearBeat(stay: Stay, sequence: number): void {
    this.note(stay, heartbeat, sequence);
    this.noteSilence(stay);
    this.lastBeats.set(stay, this.now());
  }

  /** Looks at the silences that last until now. */
  close(): void {
    for (const stay of [...this.stays.values()].flat()) if (stay.leftAt === undefined) this.noteSilence(stay);
  }

  private note(stay: Stay, stream: string, number: number): void {
    const received = stay.heard.get(stream) ?? new Received();
    stay.heard.set(stream, received);
    received.note(number);
  }

  private noteSilence(stay: Stay): void {
    const since = this.lastBeats.get(stay);
    if (since === undefined || !this.punctual.has(stay.client)) return;
    this.longestSilenceMs = Math.max(this.longestSilenceMs, this.now() - since);
  }
}
