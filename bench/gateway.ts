import type { Contestant } from './gateway/contestants.js';
import { clients, eventsEach, measure, type Sample, talkers } from './gateway/round.js';
import type { Work } from './gateway/work.js';
import { comparisonTable, ratiosOf, type Row } from './support/comparison.js';
import type { BenchOptions, Figures } from './support/figures.js';
import { readGoals } from './support/goals.js';
import { Progress } from './support/progress.js';
import { conditions, writeSamples, writeSection } from './support/report.js';
import { rotated } from './support/rotated.js';
import { median } from './support/statistics.js';

const fullRounds = 3;

const contestants: readonly Contestant[] = ['stock', 'bare', 'ours'];

const works: Readonly<Record<string, Work>> = {
  '60 handlers': { handlers: 60, pipeline: false },
  '20 handlers': { handlers: 20, pipeline: false },
  '20 handlers with guard, interceptor and validating pipe': { handlers: 20, pipeline: true },
};

const kb = (bytes: number): string => `${(bytes / 1_000).toFixed(1)} KB`;
const micros = (value: number): string => `${value.toFixed(value < 100 ? 1 : 0)} µs`;

const lines: readonly {
  readonly what: string;
  readonly work: string;
  readonly of: keyof Sample;
  readonly print: Row['print'];
}[] = [
  { what: 'heap per connection', work: '60 handlers', of: 'heap', print: kb },
  { what: 'heap per connection', work: '20 handlers', of: 'heap', print: kb },
  { what: 'CPU to connect', work: '60 handlers', of: 'connect', print: micros },
  { what: 'CPU per acknowledged event', work: '60 handlers', of: 'event', print: micros },
  {
    what: 'CPU per acknowledged event',
    work: '20 handlers with guard, interceptor and validating pipe',
    of: 'event',
    print: micros,
  },
];

/** What a client and its events cost with Nest's own adapter, with Socket.IO alone, and here. */
export async function benchGateway({ rounds }: BenchOptions): Promise<Figures> {
  const goals = await readGoals();
  const samples = await compare(rounds ?? fullRounds);
  const rows = lines.map(({ what, work, of, print }): Row => {
    const values = contestants.map((name) => {
      const measured = samples[`${work}, ${name}`];
      return [name, measured && median(measured.map((sample) => sample[of]))] as const;
    });
    return { name: `${what}, ${work}`, values: Object.fromEntries(values), print };
  });
  const table = comparisonTable('gateway', contestants, rows, goals);
  process.stdout.write(`${table}\n`);
  if (rounds === undefined) {
    await writeSamples('gateway', samples);
    await writeSection('gateway', [await introduction(), table]);
  }
  return ratiosOf(rows);
}

async function compare(rounds: number): Promise<Readonly<Record<string, Sample[]>>> {
  const turns = Array.from({ length: rounds }, (_, round) =>
    Object.entries(works).flatMap(([name, work]) =>
      rotated(contestants, round)
        .filter((contestant) => takesPart(contestant, work))
        .map((contestant) => ({ key: `${name}, ${contestant}`, work, contestant })),
    ),
  ).flat();
  const progress = new Progress('gateway', turns.length);
  const samples: Record<string, Sample[]> = {};
  for (const { key, work, contestant } of turns) {
    progress.begin(key);
    (samples[key] ??= []).push(await measure(contestant, work));
  }
  return samples;
}

/** Socket.IO alone has no guards, interceptors and pipes. */
function takesPart(contestant: Contestant, { pipeline }: Work): boolean {
  return !(pipeline && contestant === 'bare');
}

async function introduction(): Promise<string> {
  return (
    `\`npm run bench -- gateway\`, ${await conditions(['@nestjs/websockets', 'socket.io'])}. ${clients} WebSocket ` +
    `clients, of which ${talkers} emit ${eventsEach} events each, one at a time; medians of ${fullRounds} rounds, the server in a ` +
    'process of its own each time. Every event was acknowledged exactly once, with the right answer.'
  );
}
