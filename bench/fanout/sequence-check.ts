/** Which messages a client should get, by their numbers. */
export type Concerns = (sequence: number) => boolean;

/** Sees that a client gets each message that concerns it once, and in the order in which they were sent. */
export class SequenceCheck {
  /** @param last The number after which it begins. */
  constructor(
    private last: number,
    private readonly concerns: Concerns,
  ) {}

  /** What is wrong with a message that came in; undefined where nothing is. */
  received(sequence: number): string | undefined {
    const due = this.due();
    if (sequence === due) {
      this.last = sequence;
      return undefined;
    }
    if (Number.isNaN(sequence)) return `got message ${sequence}, which is no number`;
    if (sequence < due) return `got message ${sequence} twice or too late: ${due} was due`;
    return this.concerns(sequence)
      ? `got message ${sequence} before ${due}, which is lost or late`
      : `got message ${sequence}, which is not for it`;
  }

  /** What is missing when all that was sent, up to this number, should have come; undefined where nothing is. */
  missing(upTo: number): string | undefined {
    const due = this.due();
    return due <= upTo ? `did not get message ${due}` : undefined;
  }

  private due(): number {
    let next = this.last + 1;
    while (!this.concerns(next)) next++;
    return next;
  }
}
