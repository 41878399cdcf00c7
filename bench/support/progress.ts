/** Says on stderr what is measured now, and how long the rest takes if it goes on as it has. */
export class Progress {
  private done = 0;
  private readonly startedAt: number;

  constructor(
    private readonly bench: string,
    private readonly steps: number,
    private readonly now: () => number = () => performance.now(),
    private readonly write: (text: string) => void = (text) => process.stderr.write(text),
  ) {
    this.startedAt = now();
  }

  /** Call it before each step. */
  begin(what: string): void {
    const left = this.done === 0 ? '' : `, ${this.left()} left`;
    this.write(`${this.bench}, ${this.done + 1} of ${this.steps}${left}: ${what}\n`);
    this.done++;
  }

  private left(): string {
    const seconds = ((this.now() - this.startedAt) / this.done / 1_000) * (this.steps - this.done);
    return seconds < 90 ? `about ${Math.ceil(seconds)} s` : `about ${Math.round(seconds / 60)} min`;
  }
}
