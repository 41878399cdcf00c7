import type { Socket } from 'socket.io-client';
import type { Fate } from './history.js';

/** Longer than anything that an answer may wait for, a frozen Redis included. */
const patienceMs = 10_000;

/**
 * What clients ask with an acknowledgement. Each is owed an answer: the result, a refusal, or the end of the connection
 * on which it was asked; anything else is unanswered.
 */
export class Asks {
  asked = 0;
  refused = 0;
  cutOff = 0;
  unanswered = 0;
  slowestMs = 0;
  private readonly pending = new Set<Promise<Fate>>();

  /** Resolves with what became of it. */
  async ask(socket: Socket, event: string, payload: unknown): Promise<Fate> {
    const fate = this.follow(socket, event, payload);
    this.pending.add(fate);
    return await fate.finally(() => this.pending.delete(fate));
  }

  /** Resolves once nothing is open any more. */
  async settled(): Promise<void> {
    await Promise.all(this.pending);
  }

  private async follow(socket: Socket, event: string, payload: unknown): Promise<Fate> {
    const askedAt = performance.now();
    this.asked++;
    try {
      const answer: unknown = await socket.timeout(patienceMs).emitWithAck(event, payload);
      this.slowestMs = Math.max(this.slowestMs, performance.now() - askedAt);
      if (answer === true) return 'taken';
      this.refused++;
      return 'refused';
    } catch {
      // socket.io-client rejects for two reasons, and tells them apart by their text alone.
      if (performance.now() - askedAt < patienceMs - 1) {
        this.cutOff++;
        return 'cut off';
      }
      this.unanswered++;
      return 'open';
    }
  }
}
