import { describe, expect, it } from 'vitest';
import { comparisonTable, ratiosOf, type Row } from '../../bench/support/comparison.js';
import { Progress } from '../../bench/support/progress.js';
import { withSection } from '../../bench/support/report.js';
import { rotated } from '../../bench/support/rotated.js';

const rows: readonly Row[] = [
  { name: 'cost', values: { stock: 8, limit: 0.5, ours: 1 }, print: (value) => `${value} µs`, note: 'quiet' },
  { name: 'rate', values: { stock: 10, ours: 60 }, print: String },
  { name: 'of one alone', values: { limit: 3 }, print: String },
];

describe('a comparison', () => {
  it('has a figure for each contestant that ours is compared with', () => {
    expect(ratiosOf(rows)).toEqual({
      'cost, ours / stock': 0.125,
      'cost, ours / limit': 2,
      'rate, ours / stock': 6,
    });
  });

  it('is a table that says what ours is, and whether the goals are reached', () => {
    const goals = [
      { bench: 'fanout', figure: 'cost, ours / stock', atMost: 0.12 },
      { bench: 'fanout', figure: 'rate, ours / stock', atLeast: 5 },
      { bench: 'gateway', figure: 'rate, ours / stock', atLeast: 7 },
    ];

    expect(comparisonTable('fanout', ['stock', 'limit', 'ours'], rows, goals, 'machine')).toBe(
      [
        '|              | stock | limit  | ours | ours is                                   | machine |',
        '| ------------ | ----- | ------ | ---- | ----------------------------------------- | ------- |',
        '| cost         | 8 µs  | 0.5 µs | 1 µs | 0.125 × stock (≤ 0.12: missed), 2 × limit | quiet   |',
        '| rate         | 10    |        | 60   | 6 × stock (≥ 5: reached)                  |         |',
        '| of one alone |       | 3      |      |                                           |         |',
      ].join('\n'),
    );
  });
});

describe('the page of results', () => {
  const page = [
    '# Benchmarks',
    '',
    '<!-- gateway: written by the command -->',
    'old',
    '<!-- gateway: end -->',
    '',
    'By hand.',
    '',
  ].join('\n');

  it('has a section written anew, and the rest as it was', () => {
    expect(withSection(page, 'gateway', ['new', 'and more'])).toBe(page.replace('\nold\n', '\n\nnew\n\nand more\n\n'));
  });

  it('is the same when the same is written again', () => {
    const written = withSection(page, 'gateway', ['new']);

    expect(withSection(written, 'gateway', ['new'])).toBe(written);
  });

  it('gets a section at its end for a bench that has none', () => {
    expect(withSection(page, 'fanout', ['new'])).toBe(
      `${page}\n## fanout\n\n<!-- fanout: written by the command -->\n\nnew\n\n<!-- fanout: end -->\n`,
    );
  });

  it.each([
    ['the end', page.replace('<!-- gateway: end -->', '')],
    ['the beginning', page.replace('<!-- gateway: written by the command -->', '')],
  ])('is left alone when %s of a section is gone', (_, broken) => {
    expect(() => withSection(broken, 'gateway', ['new'])).toThrow(
      'bench/README.md has one of the two markers of gateway',
    );
  });
});

describe('progress', () => {
  it('says what is measured, and how long the rest takes if it goes on as it has', () => {
    let now = 0;
    let said = '';
    const progress = new Progress(
      'fanout',
      4,
      () => now,
      (text) => (said += text),
    );

    progress.begin('stock');
    now = 10_000;
    progress.begin('limit');
    now = 200_000;
    progress.begin('ours');

    expect(said.split('\n')).toEqual([
      'fanout, 1 of 4: stock',
      'fanout, 2 of 4, about 30 s left: limit',
      'fanout, 3 of 4, about 3 min left: ours',
      '',
    ]);
  });
});

describe('the order of the contestants', () => {
  it('lets each come first once', () => {
    const rounds = [0, 1, 2, 3].map((round) => rotated(['a', 'b', 'c'], round).join(''));

    expect(rounds).toEqual(['abc', 'bca', 'cab', 'abc']);
  });
});
