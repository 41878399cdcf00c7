import { randomUUID } from 'node:crypto';
import { setImmediate as turn } from 'node:timers/promises';
import type { Socket as ServerSocket } from 'socket.io';
import openOld from 'socket.io-client-2';
import { onTestFinished } from 'vitest';
import { within } from '../../src/within.js';
import { clientKinds } from './crowd.js';
import { openUntyped } from './clients.js';
import type { Node } from './nodes.js';
import { argumentsOf, type Form, nameOf, nameOfArrived, type Word } from './words.js';

export const listenerKinds = [...(Object.keys(clientKinds) as (keyof typeof clientKinds)[]), 'protocol 3'] as const;
export type ListenerKind = (typeof listenerKinds)[number];

export type Target =
  | { readonly type: 'all' | 'others' | 'direct' | 'id' }
  | { readonly type: 'rooms' | 'except'; readonly rooms: readonly string[] };

/** One message or more of one node. Where it concerns one client, that is the one which `pick` falls on. */
export interface Emit {
  readonly type: 'emit';
  readonly node: number;
  readonly pick: number;
  readonly target: Target;
  readonly times: number;
  readonly form: Form;
  readonly size: number;
  readonly flags: readonly ('local' | 'volatile')[];
  readonly compress?: boolean | undefined;
  /** Whether the clients are to answer. */
  readonly asks: boolean;
}

export const farewells = ['disconnect', 'disconnect(true)', 'by another node', 'by the client'] as const;

export type Step =
  | Emit
  | { readonly type: 'turns'; readonly count: number }
  /** A client asks its node, which acknowledges at once. */
  | { readonly type: 'ask'; readonly pick: number }
  /** Joins a room of its own, hears a message there and leaves again, all within one turn. */
  | { readonly type: 'visit'; readonly pick: number }
  | { readonly type: 'farewell'; readonly pick: number; readonly how: (typeof farewells)[number] };

export interface Round {
  readonly changes: readonly { readonly pick: number; readonly change: 'join' | 'leave'; readonly room: string }[];
  readonly steps: readonly Step[];
}

interface Expected {
  readonly name: string;
  readonly mayBeMissing: boolean;
}

/** A client beside what a model without any network says of it. */
interface Listener {
  readonly kind: ListenerKind;
  readonly node: number;
  readonly rooms: Set<string>;
  readonly heard: Map<number, string[]>;
  readonly expected: Map<number, Expected[]>;
  /** `leaving`: what is sent to it may arrive or not. */
  state: 'here' | 'leaving' | 'gone';
  /** Whether its own node let it go, after all that it had sent. */
  dismissed: boolean;
  socket: ServerSocket;
  client: Mouth;
  /** Resolves once the client knows that it has gone, and has heard what came before. */
  left: Promise<unknown>;
  /** How many fences have come since they were last waited for. */
  fences: number;
  /** How many of its questions wait for their answer. */
  questions: number;
}

/** What a client of either protocol can do. */
interface Mouth {
  on(event: string, listener: (...args: unknown[]) => void): unknown;
  emit(event: string, ...args: unknown[]): unknown;
  close(): unknown;
}

/** How long a fence, or an answer, may take. */
const patienceMs = 10_000;

/** Clients of every kind on every node, and a model that knows what each of them must hear. */
export class Audience {
  private readonly places: readonly (readonly [node: number, kind: ListenerKind])[];
  private listeners: Listener[] = [];
  private readonly waiting = new Map<string, Listener>();
  private readonly sequences: number[];
  private readonly answers: Promise<string | undefined>[] = [];
  private questions = 0;
  private isOver = false;

  constructor(
    private readonly nodes: readonly Node[],
    kinds: readonly ListenerKind[],
  ) {
    this.places = nodes.flatMap((_, node) => kinds.map((kind) => [node, kind] as const));
    this.sequences = nodes.map(() => 0);
    for (const { server } of nodes) server.on('connection', this.welcome);
  }

  /** Plays the rounds, and resolves with what was not as the model says. */
  async play(rounds: readonly Round[]): Promise<string[]> {
    for (const round of rounds) {
      await this.fillPlaces();
      await this.changeRooms(round);
      const faults = await this.playRound(round);
      if (faults.length > 0) return faults;
      this.listeners = this.here;
    }
    return [];
  }

  /** Resolves once all have gone. */
  async end(): Promise<void> {
    this.isOver = true;
    for (const { server } of this.nodes) server.off('connection', this.welcome);
    await Promise.all(this.here.map((_, index) => this.letGo(index, 'by the client')));
  }

  private get here(): Listener[] {
    return this.listeners.filter(({ state }) => state === 'here');
  }

  private async fillPlaces(): Promise<void> {
    const free = [...this.places];
    for (const { node, kind } of this.here) {
      const taken = free.findIndex((place) => place[0] === node && place[1] === kind);
      free.splice(taken, 1);
    }
    await Promise.all(free.map(([node, kind]) => this.seat(node, kind)));
  }

  private async seat(node: number, kind: ListenerKind): Promise<void> {
    const listener = {
      kind,
      node,
      rooms: new Set<string>(),
      heard: new Map<number, string[]>(),
      expected: new Map<number, Expected[]>(),
      state: 'here',
      dismissed: false,
      fences: 0,
      questions: 0,
    } as Listener;
    const place = randomUUID();
    this.waiting.set(place, listener);
    const client = openMouth(this.nodes[node]!.url, kind, place);
    listener.client = client;
    listener.left = new Promise((resolve) => client.on('disconnect', resolve));
    client.on('said', (...args) => hear(listener, args[0], nameOfArrived(args)));
    client.on('asked', (...args) => {
      const answer = args.pop() as (name: string) => void;
      const name = nameOfArrived(args);
      hear(listener, args[0], name);
      answer(name);
    });
    client.on('fence', () => listener.fences++);
    await new Promise<void>((resolve, reject) => {
      client.on('connect', () => resolve());
      client.on('connect_error', (error) => reject(error));
    });
    this.waiting.delete(place);
    this.listeners.push(listener);
  }

  private readonly welcome = (socket: ServerSocket): void => {
    const listener = this.waiting.get(socket.handshake.query['place'] as string);
    if (!listener) return;
    listener.socket = socket;
    socket.on('ask', (question: number, answer: (question: number) => void) => {
      this.expect(listener, { origin: listener.node, name: `answer ${question}` });
      answer(question);
    });
    socket.on('disconnect', () => {
      listener.state = 'gone';
      // The clients of a next audience would hear what is still on its way between the nodes.
      if (this.isOver) return;
      // To who has gone, which must do no harm, and to all who have not.
      socket.emit('said', 'to nobody');
      const { node } = listener;
      const emit = { type: 'emit', node, pick: 0, times: 1, form: 'text', size: 10, flags: [], asks: false } as const;
      this.emit({ ...emit, target: { type: 'all' } });
    });
  };

  /** Awaited, so that it is certain who is a member when the first message goes out. */
  private async changeRooms({ changes }: Round): Promise<void> {
    for (const { pick, change, room } of changes) {
      const { socket, rooms } = this.picked(pick);
      await socket[change](room);
      if (change === 'join') rooms.add(room);
      else rooms.delete(room);
    }
  }

  private async playRound({ steps }: Round): Promise<string[]> {
    const staysWhole = !steps.some(({ type }) => type === 'farewell');
    const departures: Promise<string | undefined>[] = [];
    for (const step of steps) {
      if (step.type === 'turns') for (let count = 0; count < step.count; count++) await turn();
      else if (step.type === 'farewell') departures.push(this.letGo(step.pick, step.how));
      else if (step.type === 'ask') this.ask(this.picked(step.pick));
      else if (step.type === 'visit') this.visit(this.picked(step.pick));
      // An answer of somebody who leaves is waited for in vain.
      else this.emit({ ...step, asks: step.asks && staysWhole });
    }
    // Who leaves emits once more, and an answer has its place too: both before the fence.
    const stuck = await Promise.all(departures);
    const unanswered = await Promise.all(this.here.map((listener) => this.answered(listener)));
    for (const { server } of this.nodes) server.emit('fence');
    const late = await Promise.all(this.here.map((listener) => this.fenced(listener)));
    const answers = await Promise.all(this.answers.splice(0));
    return [...this.faults(), ...stuck, ...unanswered, ...late, ...answers].filter((fault) => fault !== undefined);
  }

  private async answered(listener: Listener): Promise<string | undefined> {
    const isAnswered = await comes(() => listener.questions === 0);
    return isAnswered ? undefined : `${describe(listener)} has no answer to ${listener.questions} questions`;
  }

  private async fenced(listener: Listener): Promise<string | undefined> {
    const { length } = this.nodes;
    const isFenced = await comes(() => listener.fences >= length);
    listener.fences -= length;
    return isFenced ? undefined : `${describe(listener)} has not heard the fences`;
  }

  private ask(listener: Listener): void {
    const question = this.questions++;
    listener.questions++;
    listener.client.emit('ask', question, (answered: unknown) => {
      listener.questions--;
      hear(listener, listener.node, `answer ${String(answered)}`);
    });
  }

  private async letGo(pick: number, how: (typeof farewells)[number]): Promise<string | undefined> {
    const listener = this.picked(pick);
    listener.state = 'leaving';
    const gone = new Promise((resolve) => listener.socket.once('disconnect', resolve));
    if (how === 'disconnect' || how === 'disconnect(true)') {
      listener.dismissed = true;
      listener.socket.disconnect(how === 'disconnect(true)');
    } else if (how === 'by the client') {
      listener.client.close();
    } else {
      const elsewhere = this.nodes[(listener.node + 1) % this.nodes.length]!;
      elsewhere.server.in(listener.socket.id).disconnectSockets(pick % 2 === 0);
    }
    const left = Promise.all([gone, listener.left]).then(() => undefined);
    return await within(patienceMs, left, () => `${describe(listener)} does not know that it has gone`);
  }

  private visit(listener: Listener): void {
    const { node, socket } = listener;
    const word: Word = { origin: node, sequence: this.nextSequence(node), form: 'text', size: 20 };
    void socket.join('visited');
    this.nodes[node]!.server.local.to('visited').emit('said', ...argumentsOf(word));
    void socket.leave('visited');
    this.expect(listener, { origin: node, name: nameOf(word) });
  }

  private emit(step: Emit): void {
    const { form, size } = step;
    const picked = this.picked(step.pick);
    // Only its own node has a client's socket.
    const origin = step.target.type === 'direct' || step.target.type === 'others' ? picked.node : step.node;
    for (let time = 0; time < step.times; time++) {
      const word: Word = { origin, sequence: this.nextSequence(origin), form, size };
      const members = this.listeners.filter((listener) => this.isMeant(listener, step, origin, picked));
      const mayBeMissing = step.flags.includes('volatile');
      for (const listener of members) this.expect(listener, { origin, name: nameOf(word), mayBeMissing });
      // Of a local message Socket.IO still wants the answers of every node, and never has them.
      const isAnswered = step.target.type === 'direct' || !step.flags.includes('local');
      const isAsked = step.asks && isAnswered && !mayBeMissing && time === 0;
      if (isAsked) this.answers.push(this.askFor(step, picked, word, members.length));
      else this.operator(step, picked, origin).emit('said', ...argumentsOf(word));
    }
  }

  /** Resolves with what was wrong about the answers. */
  private askFor(step: Emit, picked: Listener, word: Word, members: number): Promise<string | undefined> {
    const operator = this.operator(step, picked, word.origin).timeout(patienceMs);
    return new Promise((resolve) => {
      operator.emit('asked', ...argumentsOf(word), (error: Error | null, answers: string | string[]) => {
        const right = [answers].flat().filter((answer) => answer === nameOf(word)).length;
        const isWrong = error !== null || right !== members;
        resolve(isWrong ? `${nameOf(word)} has ${right} answers of ${members} (${error?.message})` : undefined);
      });
    });
  }

  private operator({ target, flags, compress }: Emit, picked: Listener, origin: number) {
    const { server } = this.nodes[origin]!;
    const isDirect = target.type === 'direct';
    const start = isDirect ? picked.socket : target.type === 'others' ? picked.socket.broadcast : server;
    const compressed = compress === undefined ? start : start.compress(compress);
    // Nothing but its own node ever reaches a socket, so `local` says nothing there.
    const flagged = flags.reduce(
      (operator, flag) => (flag === 'local' && isDirect ? operator : (operator as typeof server)[flag]) as never,
      compressed,
    ) as typeof server;
    if (target.type === 'rooms') return flagged.to([...target.rooms]);
    if (target.type === 'except') return flagged.except([...target.rooms]);
    return target.type === 'id' ? flagged.to(picked.socket.id) : flagged;
  }

  private isMeant(listener: Listener, { target, flags }: Emit, origin: number, picked: Listener): boolean {
    if (listener.state === 'gone') return false;
    if (target.type === 'direct') return listener === picked;
    if (flags.includes('local') && listener.node !== origin) return false;
    switch (target.type) {
      case 'id':
        return listener === picked;
      case 'others':
        return listener !== picked;
      case 'all':
        return true;
      case 'rooms':
        return target.rooms.some((room) => listener.rooms.has(room));
      case 'except':
        return !target.rooms.some((room) => listener.rooms.has(room));
    }
  }

  private expect(listener: Listener, what: { origin: number; name: string; mayBeMissing?: boolean }): void {
    const { origin, name, mayBeMissing = false } = what;
    const all = listener.expected.get(origin) ?? [];
    all.push({ name, mayBeMissing });
    listener.expected.set(origin, all);
  }

  private faults(): string[] {
    return this.listeners.flatMap((listener) =>
      this.nodes.flatMap((_, origin) => {
        const expected = listener.expected.get(origin) ?? [];
        const heard = listener.heard.get(origin) ?? [];
        // A client that is not on a connection of its own yet may lose what is under way when the connection ends.
        const isWhole =
          listener.state === 'here' ||
          (listener.dismissed && origin === listener.node && listener.kind === 'WebSocket-only');
        const fault = compare(expected, heard, isWhole);
        return fault === undefined ? [] : [`${describe(listener)}, from node ${origin}: ${fault}`];
      }),
    );
  }

  private picked(pick: number): Listener {
    const { here } = this;
    return here[pick % here.length]!;
  }

  private nextSequence(origin: number): number {
    return this.sequences[origin]!++;
  }
}

function openMouth(url: string, kind: ListenerKind, place: string): Mouth {
  const options = { query: { place }, reconnection: false, forceNew: true };
  if (kind !== 'protocol 3') return openUntyped(url, { ...options, transports: [...clientKinds[kind]] });
  const client = openOld(url, { ...options, transports: ['websocket'] });
  onTestFinished(() => client.close());
  return client;
}

/** Looks in every turn, as the clients are in this process. */
async function comes(holds: () => boolean): Promise<boolean> {
  const end = performance.now() + patienceMs;
  while (!holds() && performance.now() < end) await turn();
  return holds();
}

function hear({ heard }: Listener, origin: unknown, name: string): void {
  const all = heard.get(origin as number) ?? [];
  all.push(name);
  heard.set(origin as number, all);
}

/** Says what is wrong; undefined when each has come once and in its place. */
function compare(expected: readonly Expected[], heard: readonly string[], isWhole: boolean): string | undefined {
  let next = 0;
  for (const name of heard) {
    while (expected[next]?.mayBeMissing && expected[next]!.name !== name) next++;
    if (expected[next]?.name !== name) return `${name} came where ${expected[next]?.name ?? 'nothing'} was next`;
    next++;
  }
  const missing = expected.slice(next).filter(({ mayBeMissing }) => !mayBeMissing);
  return isWhole && missing.length > 0
    ? `the last ${missing.length} are missing, from ${missing[0]!.name} on`
    : undefined;
}

function describe({ kind, node, state }: Listener): string {
  return `${kind} client of node ${node} (${state})`;
}
