import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { nextState, transitions, type WorkerEvent, type WorkerState } from '../../src/cluster/worker-state.js';

const events: readonly WorkerEvent[] = ['ready', 'drain', 'kill', 'exit'];

/** What each event makes of each state; `-` where it means nothing. */
const table: Record<WorkerState, readonly (WorkerState | '-')[]> = {
  //          ready    drain       kill      exit
  booting: ['ready', 'draining', 'killed', 'gone'],
  ready: ['-', 'draining', 'killed', 'gone'],
  draining: ['-', '-', 'killed', 'gone'],
  killed: ['-', '-', '-', 'gone'],
  gone: ['-', '-', '-', '-'],
};

const states = Object.keys(table) as WorkerState[];

const cases = states.flatMap((state) => events.map((event, index) => ({ state, event, to: table[state][index]! })));

describe('the state of a worker', () => {
  it.each(cases.filter(({ to }) => to !== '-'))('becomes $to from $state by $event', ({ state, event, to }) => {
    expect(nextState(state, event)).toBe(to);
  });

  it.each(cases.filter(({ to }) => to === '-'))('stays $state whatever $event says', ({ state, event }) => {
    expect(nextState(state, event)).toBe(state);
  });

  it('has no transition that the table does not show', () => {
    const shown = cases.filter(({ to }) => to !== '-').map(({ state, event, to }) => `${state} ${event} ${to}`);
    const known = Object.entries(transitions).flatMap(([state, row]) =>
      Object.entries(row).map(([event, to]) => `${state} ${event} ${to}`),
    );

    expect(new Set(known)).toEqual(new Set(shown));
  });

  it('is drawn above the table with the same states and events', () => {
    const drawing = /\/\*\*([\s\S]*?)\*\//.exec(readFileSync('src/cluster/worker-state.ts', 'utf8'))![1]!;
    const words = new Set(drawing.match(/[a-z]+/g));

    for (const name of [...states, ...events]) expect(words).toContain(name);
    const drawn = drawing.split('\n').filter((line) => /[─│└▶◀]/.test(line));
    const names = drawn.join('\n').match(/[a-z]+/g)!;
    expect(names.filter((name) => ![...states, ...events].includes(name as WorkerState))).toEqual([]);
  });

  it('leads to gone from wherever it stands, and never back', () => {
    for (const [index, state] of states.entries()) {
      const reached = events.map((event) => states.indexOf(nextState(state, event)));

      expect(nextState(state, 'exit')).toBe('gone');
      expect(Math.min(...reached)).toBeGreaterThanOrEqual(index);
    }
  });
});
