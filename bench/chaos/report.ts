import { type Gap, type Irregularity, sizeOf, type Verdict } from './judge.js';

/** What a run came to. */
export interface Outcome {
  readonly seed: number;
  readonly seconds: number;
  /** When the traffic began, by the clock of the verdict. */
  readonly startedAt: number;
  /** How long it went on, until its time was over or it was ended. */
  readonly ranMs: number;
  readonly workers: number;
  readonly clients: number;
  /** How often each kind of fault struck. */
  readonly faults: Readonly<Record<string, number>>;
  readonly verdict: Verdict;
  readonly asks: {
    readonly asked: number;
    readonly refused: number;
    readonly cutOff: number;
    readonly unanswered: number;
    readonly slowestMs: number;
  };
  /** Processes that ended although nobody had killed them, by how they did. */
  readonly deaths: Readonly<Record<string, number>>;
  /** How the program ended when it was asked to. */
  readonly ending: string;
  readonly longestSilenceMs: number;
  readonly longestAbsenceMs: number;
  readonly mostMemoryBytes: number;
}

/** What must be 0, with how much it is. */
export function faultsOf({ verdict, asks, deaths, ending }: Outcome): Readonly<Record<string, number>> {
  return {
    'lost without a cause': sum(unexplained(verdict.gaps).map(sizeOf)),
    duplicated: verdict.duplicated.length,
    'out of order': verdict.outOfOrder.length,
    'unanswered acknowledgements': asks.unanswered,
    'processes that died of anything but our SIGKILL': sum(Object.values(deaths)),
    'connections that ended without a cause': verdict.departures.length,
    'clients that did not come back': verdict.missing.length,
    'endings other than exit code 0': ending === 'exit code 0' ? 0 : 1,
  };
}

export function isFlawless(outcome: Outcome): boolean {
  return Object.values(faultsOf(outcome)).every((count) => count === 0);
}

/** How many examples of each fault a reader gets. */
const examples = 5;

export function reportOf(outcome: Outcome): string {
  const { seed, seconds, ranMs, workers, clients, faults, verdict, asks } = outcome;
  const { sent, refused, expected, delivered, gaps } = verdict;
  const figures: (readonly [string, string, string?])[] = [
    ['sent', whole(sent), refused > 0 ? `${whole(refused)} refused` : ''],
    ['delivered', whole(delivered), `of ${whole(expected)}: each message once to everyone in its audience`],
    ['lost', whole(sum(gaps.map(sizeOf))), gaps.length > 0 ? `in ${whole(gaps.length)} gaps:` : ''],
    ...causes(gaps).map(
      ([cause, count, gapCount]) => [`  ${cause}`, whole(count), `in ${whole(gapCount)} gaps`] as const,
    ),
    ...Object.entries(faultsOf(outcome)).map(([name, count]) => [name, whole(count), 'must be 0'] as const),
    [
      'acknowledgements',
      whole(asks.asked),
      `slowest ${duration(asks.slowestMs)}, ${whole(asks.cutOff)} cut off with their connection`,
    ],
    ['slow clients let go', whole(verdict.slowLetGo)],
    ['longest silence of the heartbeat', duration(outcome.longestSilenceMs)],
    ['longest absence of a client', duration(outcome.longestAbsenceMs)],
    ['most memory of a worker', `${Math.round(outcome.mostMemoryBytes / 2 ** 20)} MiB`],
  ];
  const width = Math.max(...figures.map(([name]) => name.length));
  const column = Math.max(...figures.map(([, figure]) => figure.length));
  const struck = Object.entries(faults).map(([kind, count]) => `${kind} ${count}`);
  return [
    `chaos, seed ${seed}: ${Math.round(ranMs / 1_000)} of ${seconds} s, ${workers} workers, ${clients} clients`,
    `faults: ${struck.join(', ') || 'none'}`,
    '',
    ...figures.map(([name, figure, note = '']) =>
      `${name.padEnd(width)}  ${figure.padStart(column)}  ${note}`.trimEnd(),
    ),
    ...evidence(outcome),
    '',
  ].join('\n');
}

/** By cause, the most frequent first; those without one have a line of their own. */
function causes(gaps: readonly Gap[]): (readonly [cause: string, messages: number, gaps: number])[] {
  const names = [...new Set(gaps.flatMap(({ cause }) => cause ?? []))];
  return names
    .map((name) => gaps.filter(({ cause }) => cause === name))
    .map((own) => [own[0]!.cause!, sum(own.map(sizeOf)), own.length] as const)
    .toSorted(([, a], [, b]) => b - a);
}

function evidence({ verdict, deaths, ending, startedAt }: Outcome): string[] {
  const time = (at: number): string => `${((at - startedAt) / 1_000).toFixed(1)} s`;
  const lines = [
    ...some(
      unexplained(verdict.gaps),
      ({ first, last, sentAt, ...gap }) => `lost: ${placeOf(gap)} ${first} to ${last}, sent from ${time(sentAt)} on`,
    ),
    ...some(verdict.duplicated, (each) => `duplicated: ${placeOf(each)} ${each.number}`),
    ...some(verdict.outOfOrder, (each) => `out of order: ${placeOf(each)} ${each.number}`),
    ...some(
      verdict.departures,
      ({ client, slot, leftAt = 0 }) => `ended: a connection of ${client} to worker ${slot}, at ${time(leftAt)}`,
    ),
    ...some(verdict.missing, (client) => `missing: ${client}`),
    ...Object.entries(deaths).map(([kind, count]) => `died: ${kind} ${count}`),
    ...(ending === 'exit code 0' ? [] : [`the program ended with: ${ending}`]),
  ];
  return lines.length === 0 ? [] : ['', ...lines];
}

function some<T>(all: readonly T[], describe: (each: T) => string): string[] {
  const rest = all.length - examples;
  return [...all.slice(0, examples).map(describe), ...(rest > 0 ? [`… and ${rest} more`] : [])];
}

function placeOf({ stream, receiver }: Pick<Irregularity, 'stream' | 'receiver'>): string {
  return `${stream} → ${receiver}, number`;
}

function unexplained(gaps: readonly Gap[]): Gap[] {
  return gaps.filter(({ cause }) => cause === undefined);
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function whole(count: number): string {
  return count.toLocaleString('en');
}

function duration(ms: number): string {
  return ms < 1_000 ? `${Math.round(ms)} ms` : `${(ms / 1_000).toFixed(1)} s`;
}
