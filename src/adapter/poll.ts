/** Who has not answered a request. */
export interface Absent {
  /** How many; 0 when everybody answered who could, `Infinity` where nobody could tell how many there are. */
  readonly count: number;
  /** Those of them that are known by a name. */
  readonly names: readonly string[];
  /** How many have answered. */
  readonly answers: number;
}

/** What can be seen of the processes while a request is open. */
export interface Sight {
  /** How many hear the namespace's requests, this one included. */
  readonly present: number;
  /** The tags that were asked for, and those of them that are there. */
  readonly asked: ReadonlySet<string>;
  readonly alive: ReadonlySet<string>;
  /** Those of them that have said since the request that they are new, which they may say a little late. */
  readonly newcomers: ReadonlySet<string>;
}

/**
 * Keeps count of who has answered one request, and knows when there is nobody left to wait for.
 *
 * At first that is a number: so many hear requests, so many answers are to come. Whoever dies meanwhile never answers,
 * so later on it is looked who is still there. Official nodes do not say who they are and are only counted.
 *
 * In doubt it waits: a time-out says that something is missing, an end says that all is there.
 */
export class Poll {
  private readonly answered = new Set<string>();
  private unnamedAnswers = 0;
  private expected: number | undefined;
  private sight: Sight | undefined;
  /** Who was there when the request was sent, as far as it has been seen. */
  private readonly seen = new Set<string>();
  private readonly gone = new Set<string>();

  /** So many processes hear the request, this one included. */
  expect(present: number): void {
    this.expected = present - 1;
  }

  /** A process that has two servers is one. */
  take(tag: string | undefined): void {
    if (tag === undefined) this.unnamedAnswers++;
    else this.answered.add(tag);
  }

  see(sight: Sight): void {
    this.sight = sight;
    for (const tag of sight.asked) {
      if (!sight.alive.has(tag)) this.gone.add(tag);
      else this.gone.delete(tag);
      if (sight.alive.has(tag) && !sight.newcomers.has(tag)) this.seen.add(tag);
    }
  }

  /** Whether the process is known to have ended. */
  isGone(tag: string): boolean {
    return this.gone.has(tag);
  }

  /** Whether nobody is left who could still answer. */
  get isOver(): boolean {
    return this.outstanding <= 0;
  }

  /** @param known the tags of all processes that could be missing, with their names */
  absent(known: Iterable<readonly [tag: string, name: string]>): Absent {
    const count = Math.max(0, this.outstanding);
    const missing = count === 0 ? [] : [...known].filter(([tag]) => !this.answered.has(tag) && !this.isGone(tag));
    return { count, names: missing.map(([, name]) => name), answers: this.answered.size + this.unnamedAnswers };
  }

  private get outstanding(): number {
    if (this.expected === undefined) return Infinity;
    const byNumber = this.expected - this.answered.size - this.unnamedAnswers;
    if (byNumber <= 0 || !this.sight) return byNumber;
    const { present, alive } = this.sight;
    const died = [...this.seen].filter((tag) => !this.answered.has(tag) && this.isGone(tag)).length;
    const silent = [...alive].filter((tag) => !this.answered.has(tag)).length;
    const unnamed = Math.max(0, present - 1 - alive.size - this.unnamedAnswers);
    return Math.min(byNumber - died, silent + unnamed);
  }
}
