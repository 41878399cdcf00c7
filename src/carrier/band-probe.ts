import { randomBytes } from 'node:crypto';

/** How many bytes have come from Redis so far, on each connection. */
export interface Movement {
  readonly publisher: number;
  readonly subscriber: number;
}

/**
 * `due`: nothing is on its way, ask again. `waiting`: no answer yet, but bytes come. `late`: nothing comes any more.
 * `failed`: nothing came for too long.
 */
export type Verdict = 'due' | 'waiting' | 'late' | 'failed';

/** However much else arrives: a question that takes so many times its bound is one that nobody will bring. */
const patience = 4;

interface Question {
  readonly nonce: string;
  isTaken: boolean;
  /** What was read of the connection that must speak next. */
  read: number;
  stillTicks: number;
  openTicks: number;
}

/**
 * Decides whether what this process publishes through Redis comes back to it. "Connected" does not say so.
 *
 * Time is counted in ticks of this process: one whose event loop stood still has missed them, and blames nobody. As
 * long as bytes come there is somebody, however long a backlog takes.
 */
export class BandProbe {
  private question: Question | undefined;

  /** @param boundTicks for how many ticks nothing may come. */
  constructor(private readonly boundTicks: number) {}

  /** Whether nothing has come for a tick or more, so that what is published now may be lost. */
  get isLate(): boolean {
    return (this.question?.stillTicks ?? 0) > 0;
  }

  get isAsked(): boolean {
    return this.question !== undefined;
  }

  /** Returns the nonce to publish. */
  ask({ publisher }: Movement): string {
    const nonce = randomBytes(8).toString('hex');
    this.question = { nonce, isTaken: false, read: publisher, stillTicks: 0, openTicks: 0 };
    return nonce;
  }

  /** Redis has answered the PUBLISH. From here on, the subscriber must speak. */
  taken(nonce: string, { subscriber }: Movement): void {
    if (this.question?.nonce !== nonce) return;
    Object.assign(this.question, { isTaken: true, read: subscriber, stillTicks: 0 });
  }

  /** Whether the nonce was the one that was waited for. */
  heard(nonce: string): boolean {
    if (this.question?.nonce !== nonce) return false;
    this.question = undefined;
    return true;
  }

  forget(): void {
    this.question = undefined;
  }

  tick({ publisher, subscriber }: Movement): Verdict {
    const { question, boundTicks } = this;
    if (!question) return 'due';
    const read = question.isTaken ? subscriber : publisher;
    question.stillTicks = read === question.read ? question.stillTicks + 1 : 0;
    question.read = read;
    question.openTicks++;
    if (question.stillTicks >= boundTicks || question.openTicks >= patience * boundTicks) return 'failed';
    return this.isLate ? 'late' : 'waiting';
  }
}
