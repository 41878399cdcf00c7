/** What a bench has measured, by the names that `bench/goals.json` has for it. */
export type Figures = Readonly<Record<string, number>>;

export interface BenchOptions {
  /** How often everything is measured; undefined leaves it to the bench. A quick look takes 1. */
  readonly rounds: number | undefined;
}

/** Measures, prints a table, and hands back the figures that goals are set for. Progress goes to stderr. */
export type Bench = (options: BenchOptions) => Promise<Figures>;
