import { describe, expect, it } from 'vitest';
import { type Comparison, consumerTable, figuresOf, tableOf } from '../../bench/routes/table.js';

const comparison = (over: Partial<Comparison> = {}): Comparison => ({
  what: 'memory',
  unit: 'KB',
  rival: 'bare',
  theirs: 10,
  ours: 8,
  ...over,
});

describe('figuresOf', () => {
  it('is ours in parts of the rival’s, by the names that goals have', () => {
    expect(figuresOf([comparison(), comparison({ rival: 'stock', theirs: 16 })])).toEqual({
      'memory, ours / bare': 0.8,
      'memory, ours / stock': 0.5,
    });
  });
});

describe('tableOf', () => {
  it('says whether a goal is reached', () => {
    const goals = [{ bench: 'routes', figure: 'memory, ours / bare', atMost: 0.5 }];

    expect(tableOf([comparison()], goals)).toContain(
      '| memory, KB | bare  | 10         | 8    | 0.800        | ≤ 0.5: missed |',
    );
  });
});

describe('consumerTable', () => {
  const socket = { name: 'Socket', count: 1, bytes: 300 };
  const wire = { name: 'Wire', count: 1, bytes: 48 };

  it('sets each kind of object beside the same kind of the other', () => {
    const [, , ...rows] = consumerTable([socket], [{ ...socket, bytes: 310 }, wire], 1).split('\n');

    expect(rows.map(cells)).toEqual([
      ['`Socket`', '1.0', '300', '1.0', '310', '10'],
      ['all others', '0.0', '0', '1.0', '48', '48'],
      ['together', '1.0', '300', '2.0', '358', '58'],
    ]);
  });

  it('shows the largest of either first', () => {
    const [, , first] = consumerTable([wire], [socket], 2).split('\n');

    expect(cells(first!)[0]).toBe('`Socket`');
  });
});

const cells = (row: string): string[] =>
  row
    .split('|')
    .slice(1, -1)
    .map((cell) => cell.trim());
