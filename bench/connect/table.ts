import type { Figures } from '../support/figures.js';
import { type Goal, verdict } from '../support/goals.js';
import type { ClientKind } from '../support/handshake-process.js';
import { median } from '../support/statistics.js';
import type { Sample } from './sample.js';

interface Row {
  readonly name: string;
  readonly value: (sample: Sample) => number;
  readonly digits?: number;
}

const connecting: readonly Row[] = [
  { name: 'primary, per connection', value: ({ perConnection }) => perConnection.primary },
  { name: 'workers, per connection', value: ({ perConnection }) => perConnection.workers },
];
const together = { name: 'together, per connection', value: ({ perConnection }: Sample) => sumOf(perConnection) };
const rate: Row = { name: 'connections a second', value: (sample) => sample.connectionsPerSecond, digits: 0 };
const polling: readonly Row[] = [
  { name: 'primary, per round trip', value: ({ perRoundTrip }) => perRoundTrip.primary },
  { name: 'together, per round trip', value: ({ perRoundTrip }) => sumOf(perRoundTrip) },
];

const rows: Readonly<Record<ClientKind, readonly Row[]>> = {
  websocket: [...connecting, together, rate],
  default: [...connecting, together, rate],
  polling: [...connecting, together, rate, ...polling],
  'kept polling': [...connecting, together, rate, ...polling],
};

const titles: Readonly<Record<ClientKind, string>> = {
  websocket: 'WebSocket only',
  default: 'default: polling, then upgraded',
  polling: 'polling only, a connection for each request as in Node',
  'kept polling': 'polling only, connections kept as in browsers',
};

/** The first contestant is ours, the second is whom it is compared with. */
export function figuresOf(samples: readonly Sample[]): Figures {
  const names = namesIn(samples);
  const ratios = kindsIn(samples).flatMap((kind) => {
    const of = names.map((name) => samplesOf(samples, name, kind));
    return rows[kind].map((row) => [figureName(kind, row), ratioOf(row, of)] as const);
  });
  const failures = failuresOf(samples.filter(({ contestant }) => contestant === names[0])).length;
  return { ...Object.fromEntries(ratios), [ourFailures]: failures };
}

const ourFailures = 'failures, ours';

/** The same as a text. */
export function tableOf(samples: readonly Sample[], goals: readonly Goal[]): string {
  const names = namesIn(samples);
  const lines = [line('', names, 'ratio', 'goal')];
  for (const kind of kindsIn(samples)) {
    const of = names.map((name) => samplesOf(samples, name, kind));
    lines.push(
      titles[kind],
      ...rows[kind].map((row) => compared(kind, row, of, goals)),
      line('clients on each worker', of.map(spread)),
    );
  }
  const failures = names.map((name) => failuresOf(samples.filter(({ contestant }) => contestant === name)));
  lines.push(
    line(
      'failures, all kinds and rounds',
      failures.map(({ length }) => `${length}`),
      '',
      verdict(goals, 'connect', ourFailures, failures[0]!.length),
    ),
  );
  for (const failure of new Set(failures.flat()))
    lines.push(
      line(
        `  ${failure}`,
        failures.map((all) => `${all.filter((one) => one === failure).length}`),
      ),
    );
  return `${lines.join('\n')}\n`;
}

function compared(kind: ClientKind, row: Row, of: readonly (readonly Sample[])[], goals: readonly Goal[]): string {
  const { name, value, digits = 3 } = row;
  const medians = of.map((samples) => median(samples.map(value)));
  const ratio = ratioOf(row, of);
  return line(
    `  ${name}`,
    medians.map((figure) => figure.toFixed(digits)),
    ratio.toFixed(2),
    verdict(goals, 'connect', figureName(kind, row), ratio),
  );
}

function ratioOf({ value }: Row, of: readonly (readonly Sample[])[]): number {
  const [ours, theirs] = of.map((samples) => median(samples.map(value)));
  return ours! / theirs!;
}

function figureName(kind: ClientKind, { name }: Row): string {
  return `${titles[kind]}: ${name}, ours / sticky`;
}

function namesIn(samples: readonly Sample[]): string[] {
  return [...new Set(samples.map(({ contestant }) => contestant))];
}

function kindsIn(samples: readonly Sample[]): ClientKind[] {
  return [...new Set(samples.map(({ kind }) => kind))];
}

function samplesOf(samples: readonly Sample[], name: string, of: ClientKind): Sample[] {
  return samples.filter(({ contestant, kind }) => contestant === name && kind === of);
}

/** Of the last round. */
function spread(samples: readonly Sample[]): string {
  return Object.values(samples.at(-1)!.news.workers).join('/');
}

function failuresOf(samples: readonly Sample[]): string[] {
  return samples.flatMap(({ news }) =>
    Object.entries(news.failures).flatMap(([what, times]) => Array<string>(times).fill(what)),
  );
}

function sumOf({ primary, workers }: Sample['perConnection']): number {
  return primary + workers;
}

function line(name: string, figures: readonly string[], ratio = '', goal = ''): string {
  const cells = [name.padEnd(34), ...figures.map((figure) => figure.padStart(20)), ratio.padStart(8), `  ${goal}`];
  return cells.join('').trimEnd();
}
