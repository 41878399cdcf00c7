import type { Figures } from './figures.js';
import { type Goal, round, verdict } from './goals.js';
import { toTable } from './report.js';

/** Something measured of several contestants, of whom one is `ours`. */
export interface Row {
  readonly name: string;
  /** By contestant; undefined where a contestant has no such thing. */
  readonly values: Readonly<Record<string, number | undefined>>;
  readonly print: (value: number) => string;
  /** What else a reader should know. */
  readonly note?: string;
}

/** How ours compares with each of the others, by the names that goals are set for: `<row>, ours / <other>`. */
export function ratiosOf(rows: readonly Row[]): Figures {
  const ratios = rows.flatMap((row) =>
    rivalsOf(row).map((rival) => [nameOf(row, rival), ratioTo(row, rival)] as const),
  );
  return Object.fromEntries(ratios);
}

/** The rows as a table: a column for each contestant, one that compares, and one for the notes where there are any. */
export function comparisonTable(
  bench: string,
  contestants: readonly string[],
  rows: readonly Row[],
  goals: readonly Goal[],
  noteTitle?: string,
): string {
  const header = ['', ...contestants, 'ours is', ...(noteTitle === undefined ? [] : [noteTitle])];
  const lines = rows.map((row) => [
    row.name,
    ...contestants.map((name) => printed(row, name)),
    compared(bench, row, goals),
    ...(noteTitle === undefined ? [] : [row.note ?? '']),
  ]);
  return toTable(header, lines);
}

function compared(bench: string, row: Row, goals: readonly Goal[]): string {
  return rivalsOf(row)
    .map((rival) => {
      const ratio = ratioTo(row, rival);
      const said = verdict(goals, bench, nameOf(row, rival), ratio);
      return `${round(ratio)} × ${rival}${said === '' ? '' : ` (${said})`}`;
    })
    .join(', ');
}

function rivalsOf({ values }: Row): string[] {
  if (values['ours'] === undefined) return [];
  return Object.keys(values).filter((name) => name !== 'ours' && values[name] !== undefined);
}

function ratioTo({ values }: Row, rival: string): number {
  return values['ours']! / values[rival]!;
}

function nameOf({ name }: Row, rival: string): string {
  return `${name}, ours / ${rival}`;
}

function printed({ values, print }: Row, contestant: string): string {
  const value = values[contestant];
  return value === undefined ? '' : print(value);
}
