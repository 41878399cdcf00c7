import type { Carrier, CarrierHealth } from '../carrier.js';
import type { Answer } from './message-reader.js';
import { type Absent, Poll, type Sight } from './poll.js';
import type { ProcessDirectory } from './process-directory.js';

/** How often it is asked who is still there while answers are missing. */
const lookIntervalMs = 250;

/** The states of a carrier in which no answer can come. */
const unheard = new Set<CarrierHealth['state']>(['connecting', 'away', 'closed']);

export interface RequestsView {
  readonly carrier: Carrier;
  readonly directory: ProcessDirectory;
  /** What every node of the namespace hears. */
  readonly requestChannel: string;
  /** What only the namespace's node in the process with this tag hears. */
  readonly channelOf: (tag: string) => string;
  /** Called where not everybody can answer, with the reason. */
  readonly onAlone: (reason: string) => void;
}

export interface Question {
  readonly requestId: string;
  /** Called at once; what it publishes reaches whoever is counted. */
  readonly publish: () => void;
  /** The wait is over then, whatever is missing. */
  readonly timeoutMs: number;
  readonly onAnswer: (answer: Answer) => void;
  /** Whether a node has answered by that; by default it has. */
  readonly isFinal?: (answer: Answer) => boolean;
  /** Whether nothing more is to come of the nodes that are there, once each has answered; by default it is not. */
  readonly isSettled?: (isThere: (tag: string) => boolean) => boolean;
}

interface Open {
  readonly take: (answer: Answer) => void;
  readonly check: () => void;
  readonly askedAt: number;
  readonly see: (seen: Omit<Sight, 'newcomers'>) => void;
  readonly end: () => void;
}

/** The requests to the other nodes of a namespace that wait for answers. */
export class OpenRequests {
  private readonly open = new Map<string, Open>();
  private looking: NodeJS.Timeout | undefined;
  private isLooking = false;

  constructor(private readonly view: RequestsView) {}

  get isEmpty(): boolean {
    return this.open.size === 0;
  }

  hear(answer: Answer): void {
    if (answer.process) this.view.directory.learn(answer.process);
    this.open.get(answer.requestId)?.take(answer);
  }

  /** To be called when something has come that {@link Question.isSettled} waits for. */
  check(requestId: string): void {
    this.open.get(requestId)?.check();
  }

  /** Nobody waits any more. */
  close(): void {
    for (const { end } of this.open.values()) end();
  }

  /** Resolves once everybody has answered who is there, or when the time is up, with who has not. */
  ask(question: Question): Promise<Absent> {
    const { requestId, timeoutMs, isFinal = () => true, isSettled = () => true } = question;
    const { directory } = this.view;
    const askedAt = performance.now();
    const poll = new Poll();

    return new Promise<Absent>((resolve) => {
      const end = (): void => {
        if (!this.open.delete(requestId)) return;
        for (const timer of timers) clearTimeout(timer);
        if (this.open.size === 0) this.stopLooking();
        resolve(poll.absent(directory.names));
      };
      const check = (): void => {
        if (poll.isOver && isSettled((tag) => !poll.isGone(tag))) end();
      };
      const take = (answer: Answer): void => {
        // Another server of this process is not among those that are counted.
        if (isFinal(answer) && answer.from !== directory.own.tag) poll.take(answer.from);
        question.onAnswer(answer);
        check();
      };
      const see = (seen: Omit<Sight, 'newcomers'>): void => {
        const newcomers = new Set([...seen.asked].filter((tag) => directory.joinedAfter(tag, askedAt)));
        poll.see({ ...seen, newcomers });
        check();
      };
      const timers = [setTimeout(end, timeoutMs)];
      // One that ends before the next look has its own.
      if (timeoutMs < 2 * lookIntervalMs)
        timers.push(setTimeout(() => void this.look(), Math.min(lookIntervalMs, timeoutMs) / 2));
      this.open.set(requestId, { take, check, askedAt, see, end });
      this.looking ??= setInterval(() => void this.look(), lookIntervalMs);
      // Asked before it is published, so that who is counted also hears it.
      void this.present().then((present) => {
        poll.expect(present);
        check();
      });
      question.publish();
    });
  }

  /** How many processes hear the namespace's requests; where nobody can tell, this one alone can be counted on. */
  async present(): Promise<number> {
    const { carrier, requestChannel, onAlone } = this.view;
    try {
      const { state } = carrier.health;
      if (state === 'degraded') onAlone(`the ${carrier.name} carrier is degraded, so only this host answers`);
      if (!unheard.has(state)) return await carrier.subscribers(requestChannel);
      onAlone(`the ${carrier.name} carrier is ${state}, so only this one answers`);
    } catch (error) {
      onAlone(`only this one answers (${(error as Error).message})`);
    }
    return 1;
  }

  private stopLooking(): void {
    clearInterval(this.looking);
    this.looking = undefined;
  }

  /** Once for all that are open, and not again before it is answered. */
  private async look(): Promise<void> {
    if (this.isLooking) return;
    this.isLooking = true;
    const { carrier, directory, requestChannel, channelOf } = this.view;
    const begunAt = performance.now();
    const tags = [...directory.tags];
    try {
      const [present, ...counts] = await Promise.all(
        [requestChannel, ...tags.map(channelOf)].map((channel) => carrier.subscribers(channel)),
      );
      const alive = new Set(tags.filter((_, index) => counts[index]! > 0));
      for (const tag of tags) if (!alive.has(tag)) void directory.forgetIfGone(tag);
      const seen = { present: present!, asked: new Set(tags), alive };
      for (const open of this.open.values()) if (open.askedAt < begunAt) open.see(seen);
    } catch {
      // Nobody can tell.
    } finally {
      this.isLooking = false;
    }
  }
}
