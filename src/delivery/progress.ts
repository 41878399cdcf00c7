/** Knows since when bytes wait that are taken in order, as exactly as it is asked often. */
export class Progress {
  private readonly marks: { readonly at: number; readonly given: number }[] = [];

  /**
   * When the oldest byte that waits was seen to wait for the first time, in milliseconds; undefined when none waits.
   *
   * @param given how many bytes there have been so far
   * @param waiting how many of them, the last, have not been taken
   */
  since(now: number, given: number, waiting: number): number | undefined {
    while (this.marks[0] && this.marks[0].given <= given - waiting) this.marks.shift();
    if (waiting > 0 && this.marks.at(-1)?.given !== given) this.marks.push({ at: now, given });
    return this.marks[0]?.at;
  }
}
