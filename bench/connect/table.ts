import type { ClientKind } from '../support/handshake-process.js';
import { median } from '../support/statistics.js';
import type { Sample } from './sample.js';

interface Row {
  readonly name: string;
  readonly value: (sample: Sample) => number;
  readonly digits?: number;
  /** How much of the rival's figure ours may be at the most. */
  readonly goal?: number;
}

const connecting: readonly Row[] = [
  { name: 'primary, per connection', value: ({ perConnection }) => perConnection.primary, goal: 0.5 },
  { name: 'workers, per connection', value: ({ perConnection }) => perConnection.workers },
];
const together = { name: 'together, per connection', value: ({ perConnection }: Sample) => sumOf(perConnection) };
const rate: Row = { name: 'connections a second', value: (sample) => sample.connectionsPerSecond, digits: 0 };
const polling: readonly Row[] = [
  { name: 'primary, per round trip', value: ({ perRoundTrip }) => perRoundTrip.primary },
  { name: 'together, per round trip', value: ({ perRoundTrip }) => sumOf(perRoundTrip), goal: 1 },
];

const rows: Readonly<Record<ClientKind, readonly Row[]>> = {
  websocket: [...connecting, together, rate],
  default: [...connecting, { ...together, goal: 0.8 }, rate],
  polling: [...connecting, together, rate, ...polling],
  'kept polling': [...connecting, together, rate, ...polling],
};

const titles: Readonly<Record<ClientKind, string>> = {
  websocket: 'WebSocket only',
  default: 'default: polling, then upgraded',
  polling: 'polling only, a connection for each request as in Node',
  'kept polling': 'polling only, connections kept as in browsers',
};

/** The first contestant is ours, the second is whom the goals compare it with. */
export function tableOf(samples: readonly Sample[]): string {
  const names = [...new Set(samples.map(({ contestant }) => contestant))];
  const kinds = [...new Set(samples.map(({ kind }) => kind))];
  const lines = [line('', names, 'ratio', 'goal')];
  for (const kind of kinds) {
    const of = names.map((name) => samples.filter((sample) => sample.kind === kind && sample.contestant === name));
    lines.push(
      titles[kind],
      ...rows[kind].map((row) => compared(row, of)),
      line('clients on each worker', of.map(spread)),
    );
  }
  const failures = names.map((name) => failuresOf(samples.filter(({ contestant }) => contestant === name)));
  lines.push(
    line(
      'failures, all kinds and rounds',
      failures.map(({ length }) => `${length}`),
      '',
      'ours 0',
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

function compared({ name, value, digits = 3, goal }: Row, of: readonly Sample[][]): string {
  const medians = of.map((samples) => median(samples.map(value)));
  const [ours, theirs] = medians;
  const ratio = ours! / theirs!;
  const verdict = goal === undefined ? '' : `${goal.toFixed(1)} ${ratio <= goal ? 'reached' : 'missed'}`;
  return line(
    `  ${name}`,
    medians.map((figure) => figure.toFixed(digits)),
    ratio.toFixed(2),
    verdict,
  );
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
