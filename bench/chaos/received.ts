/** What one connection has heard of one stream of numbered messages, and what was wrong with their order. */
export class Received {
  /** Numbers that came again. */
  readonly duplicated: number[] = [];
  /** Numbers that came after a later one. */
  readonly outOfOrder: number[] = [];
  /** First and last of what came in one piece, so that a long stream costs as little as a short one. */
  private readonly runs: [first: number, last: number][] = [];
  private readonly late = new Set<number>();

  note(number: number): void {
    const run = this.runs.at(-1);
    if (run && number === run[1] + 1) run[1] = number;
    else if (!run || number > run[1]) this.runs.push([number, number]);
    else if (this.has(number)) this.duplicated.push(number);
    else {
      this.outOfOrder.push(number);
      this.late.add(number);
    }
  }

  has(number: number): boolean {
    // The latest are asked for most.
    const run = this.runs.findLast(([first]) => first <= number);
    return (run !== undefined && number <= run[1]) || this.late.has(number);
  }
}
