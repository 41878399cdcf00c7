import { type Goal, verdict } from '../support/goals.js';
import type { Figures } from '../support/figures.js';
import { toTable } from '../support/report.js';
import type { Contestant } from './contestants.js';
import type { Sample } from './round.js';

export interface Row {
  readonly what: string;
  readonly unit: 'KB' | 'µs';
  readonly work: string;
  readonly of: keyof Sample;
}

/** The median; undefined where a contestant has no such work. */
type Median = (row: Row, contestant: Contestant) => number | undefined;

const header = ['', 'stock', 'bare', 'ours', 'ours / stock', 'ours / bare', 'goals'] as const;
const contestants = ['stock', 'bare', 'ours'] as const;
const rivals = ['stock', 'bare'] as const;

export function figuresOf(rows: readonly Row[], median: Median): Figures {
  const ratios = rows.flatMap((row) => rivals.map((rival) => [nameOf(row, rival), ratio(row, rival, median)] as const));
  return Object.fromEntries(ratios.filter((entry): entry is readonly [string, number] => entry[1] !== undefined));
}

export function tableOf(rows: readonly Row[], median: Median, goals: readonly Goal[]): string {
  const figures = figuresOf(rows, median);
  const lines = rows.map((row) => {
    const names = rivals.map((rival) => nameOf(row, rival));
    return [
      `${row.what}, ${row.work}`,
      ...contestants.map((who) => print(median(row, who), row.unit)),
      ...names.map((name) => figures[name]?.toFixed(3) ?? ''),
      rivals.flatMap((rival, index) => verdictOf(names[index]!, rival, figures, goals)).join(', '),
    ];
  });
  return toTable(header, lines);
}

function verdictOf(name: string, rival: string, figures: Figures, goals: readonly Goal[]): string[] {
  const said = figures[name] === undefined ? '' : verdict(goals, 'gateway', name, figures[name]);
  return said === '' ? [] : [`${rival} ${said}`];
}

function nameOf({ what, work }: Row, rival: string): string {
  return `${what}, ${work}, ours / ${rival}`;
}

function ratio(row: Row, rival: Contestant, median: Median): number | undefined {
  const [ours, theirs] = [median(row, 'ours'), median(row, rival)];
  return ours === undefined || theirs === undefined ? undefined : ours / theirs;
}

function print(value: number | undefined, unit: Row['unit']): string {
  if (value === undefined) return '';
  return unit === 'KB' ? `${(value / 1_000).toFixed(1)} KB` : `${value.toFixed(value < 100 ? 1 : 0)} µs`;
}
