import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import type { Figures } from './figures.js';

const limit = z.number().nonnegative();
const name = z.string().min(1);

const goalSchema = z.union(
  [
    z.strictObject({ bench: name, figure: name, atMost: limit }),
    z.strictObject({ bench: name, figure: name, atLeast: limit }),
  ],
  'is not { bench, figure, atMost } or { bench, figure, atLeast } with names that are not empty and a limit of 0 or more',
);

const goalsSchema = z.array(goalSchema, 'is not a list of goals');

/** How large a figure of a bench may be at the most, or must be at the least. */
export type Goal = z.infer<typeof goalSchema>;

const file = 'bench/goals.json';

/** @throws Error when the file is not what it should be. */
export async function readGoals(): Promise<readonly Goal[]> {
  return parseGoals(await readFile(file, 'utf8'));
}

/** @throws Error when the text is not a list of goals. */
export function parseGoals(text: string): readonly Goal[] {
  const { data, error } = goalsSchema.safeParse(parseJson(text));
  if (data) return data;
  const [{ path, message }] = error.issues as [z.core.$ZodIssue];
  const where = path.length === 0 ? file : `The goal number ${Number(path[0]) + 1} of ${file}`;
  throw new Error(`${where} ${message}.`);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new Error(`${file} is not JSON: ${(cause as Error).message}`, { cause });
  }
}

export function isReached(goal: Goal, value: number): boolean {
  return 'atMost' in goal ? value <= goal.atMost : value >= goal.atLeast;
}

/** One sentence for each goal that is missed, or whose figure was not measured. */
export function shortfalls(goals: readonly Goal[], measured: ReadonlyMap<string, Figures>): string[] {
  return goals.flatMap((goal) => {
    const { bench, figure } = goal;
    const value = measured.get(bench)?.[figure];
    if (value === undefined) return [`${bench}: ${figure}: goal ${limitOf(goal)}, not measured`];
    return isReached(goal, value) ? [] : [`${bench}: ${figure}: goal ${limitOf(goal)}, measured ${round(value)}`];
  });
}

/** What a table says of a figure: its limits, and whether they are reached. */
export function verdict(goals: readonly Goal[], bench: string, figure: string, value: number): string {
  return goals
    .filter((goal) => goal.bench === bench && goal.figure === figure)
    .map((goal) => `${limitOf(goal)}: ${isReached(goal, value) ? 'reached' : 'missed'}`)
    .join(', ');
}

export function limitOf(goal: Goal): string {
  return 'atMost' in goal ? `≤ ${goal.atMost}` : `≥ ${goal.atLeast}`;
}

/** To three digits, or the whole number where it has more. */
export function round(value: number): string {
  return Math.abs(value) >= 1_000 ? value.toFixed(0) : `${Number(value.toPrecision(3))}`;
}
