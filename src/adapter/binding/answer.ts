import type { Socket } from 'socket.io';
import { internalError, type Refusal } from '../../refusal.js';
import { CarrierAdapter } from '../carrier-adapter.js';
import type { Unanswered } from '../unanswered.js';
import type { FaultLog } from './fault-log.js';

export type Acknowledge = (...results: readonly unknown[]) => void;

/**
 * The acknowledgement of one event: it is given once, however many want to give it, and always.
 *
 * A client whose acknowledged `join` has arrived may tell anybody to send to it, through any node. So the answer
 * waits for the subscriptions under way; where none are, it does not wait.
 */
export class Answer {
  private given = false;

  constructor(
    private readonly socket: Socket,
    private readonly event: string,
    private readonly acknowledge: Acknowledge,
    private readonly unanswered: Unanswered,
    private readonly faults: FaultLog,
  ) {
    unanswered.owe(socket.conn);
  }

  get isGiven(): boolean {
    return this.given;
  }

  /** `by`: the name of the gateway, where one gives it. */
  give(results: readonly unknown[], by = `a listener in ${this.socket.nsp.name}`): void {
    if (this.given) return;
    this.given = true;
    const { id } = this.socket;
    const { adapter } = this.socket.nsp;
    const wait = adapter instanceof CarrierAdapter ? adapter.pendingOf(id) : undefined;
    if (wait) void wait.then(() => this.send(results, by));
    else this.send(results, by);
  }

  /** Socket.IO serialises at once, and throws at whoever acknowledges with what cannot be serialised. */
  private send(results: readonly unknown[], by: string): void {
    try {
      this.acknowledge(...results);
    } catch (error) {
      this.faults.report(by, this.event, error);
      this.acknowledge(internalError);
    } finally {
      this.unanswered.pay(this.socket.conn);
    }
  }
}

/** The one answer of an event that several handlers may serve. */
export class Reply {
  private last: readonly unknown[] = [];

  constructor(
    private readonly answer: Answer | undefined,
    /** How many handlers have still to end. */
    private running: number,
  ) {}

  /** Whether an answer is asked for and not given yet. */
  get isOpen(): boolean {
    return this.answer?.isGiven === false;
  }

  /** The first result that is something is the answer. */
  result(value: unknown, by: string): void {
    if (value === undefined) return;
    if (value === null) this.last = this.last.length > 0 ? this.last : [null];
    else this.answer?.give([value], by);
  }

  refuse(refusal: Refusal): void {
    this.last = [refusal];
  }

  /** A handler has ended: once all have, and none had a result, the answer is a refusal, or has no argument. */
  ended(): void {
    if (--this.running === 0) this.answer?.give(this.last);
  }
}
