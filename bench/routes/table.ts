import type { Figures } from '../support/figures.js';
import { type Goal, round, verdict } from '../support/goals.js';
import { toTable } from '../support/report.js';
import type { Consumer } from './memory/heap-snapshot.js';

/** What was measured of one rival and of ours, each a median. */
export interface Comparison {
  readonly what: string;
  readonly unit: string;
  readonly rival: string;
  readonly theirs: number;
  readonly ours: number;
}

const bench = 'routes';

export function figuresOf(comparisons: readonly Comparison[]): Figures {
  return Object.fromEntries(
    comparisons.map((comparison) => [nameOf(comparison), comparison.ours / comparison.theirs] as const),
  );
}

export function tableOf(comparisons: readonly Comparison[], goals: readonly Goal[]): string {
  const lines = comparisons.map((comparison) => {
    const { what, unit, rival, theirs, ours } = comparison;
    const ratio = ours / theirs;
    const goal = verdict(goals, bench, nameOf(comparison), ratio);
    return [`${what}, ${unit}`, rival, round(theirs), round(ours), ratio.toFixed(3), goal];
  });
  return toTable(['', 'rival', 'its figure', 'ours', 'ours / rival', 'goal'], lines);
}

/** The largest consumers of either, with how many objects and bytes a client has of each. */
export function consumerTable(bare: readonly Consumer[], ours: readonly Consumer[], most: number): string {
  const names = [...new Set([...bare, ...ours].map(({ name }) => name))];
  const rows = names
    .map((name) => ({ name, bare: find(bare, name), ours: find(ours, name) }))
    .toSorted((a, b) => Math.max(b.bare.bytes, b.ours.bytes) - Math.max(a.bare.bytes, a.ours.bytes));
  const [shown, rest] = [rows.slice(0, most), rows.slice(most)];
  return toTable(
    ['per client', 'bare: objects', 'bytes', 'ours: objects', 'bytes', 'more bytes'],
    [
      ...shown.map((row) => line(`\`${row.name}\``, row.bare, row.ours)),
      line('all others', sum(rest.map((row) => row.bare)), sum(rest.map((row) => row.ours))),
      line('together', sum(bare), sum(ours)),
    ],
  );
}

function nameOf({ what, rival }: Comparison): string {
  return `${what}, ours / ${rival}`;
}

function find(consumers: readonly Consumer[], name: string): Consumer {
  return consumers.find((consumer) => consumer.name === name) ?? { name, count: 0, bytes: 0 };
}

function sum(consumers: readonly Consumer[]): Consumer {
  return consumers.reduce((all, { count, bytes }) => ({ ...all, count: all.count + count, bytes: all.bytes + bytes }), {
    name: '',
    count: 0,
    bytes: 0,
  });
}

function line(name: string, theirs: Consumer, ours: Consumer): string[] {
  const cells = [theirs, ours].flatMap(({ count, bytes }) => [count.toFixed(1), bytes.toFixed(0)]);
  return [name, ...cells, (ours.bytes - theirs.bytes).toFixed(0)];
}
