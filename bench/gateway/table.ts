import type { Contestant } from './contestants.js';
import type { Sample } from './round.js';

export interface Goal {
  readonly what: string;
  readonly unit: 'KB' | 'µs';
  readonly work: string;
  readonly of: keyof Sample;
  /** The most that ours may be, as a share of what the other needs. */
  readonly ofStock: number;
  readonly ofBare?: number;
}

type Figure = (work: string, contestant: Contestant, of: keyof Sample) => number | undefined;

const header = ['', 'stock', 'bare', 'ours', 'ours / stock', 'ours / bare', 'goal'] as const;

export function rowsOf(goals: readonly Goal[], figure: Figure): readonly (readonly string[])[] {
  return goals.map(({ what, unit, work, of, ofStock, ofBare }) => {
    const [stock, bare, ours] = (['stock', 'bare', 'ours'] as const).map((who) => figure(work, who, of));
    const isReached = ours! <= ofStock * stock! && (ofBare === undefined || ours! <= ofBare * bare!);
    const limits = [`≤ ${ofStock} × stock`, ...(ofBare === undefined ? [] : [`≤ ${ofBare} × bare`])].join(', ');
    return [
      `${what}, ${work}`,
      ...[stock, bare, ours].map((value) => print(value, unit)),
      ratio(ours, stock),
      ratio(ours, bare),
      `${limits}: ${isReached ? 'reached' : 'missed'}`,
    ];
  });
}

/** As prettier would have it. */
export function toTable(rows: readonly (readonly string[])[]): string {
  const all = [header, ...rows];
  const widths = header.map((_, column) => Math.max(3, ...all.map((row) => row[column]!.length)));
  const line = (row: readonly string[]): string =>
    `| ${row.map((cell, column) => cell.padEnd(widths[column]!)).join(' | ')} |`;
  return [line(header), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n');
}

function print(value: number | undefined, unit: Goal['unit']): string {
  if (value === undefined) return '';
  return unit === 'KB' ? `${(value / 1_000).toFixed(1)} KB` : `${value.toFixed(value < 100 ? 1 : 0)} µs`;
}

function ratio(value: number | undefined, other: number | undefined): string {
  return value === undefined || other === undefined ? '' : (value / other).toFixed(3);
}
