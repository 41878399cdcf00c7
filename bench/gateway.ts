import { readFile, writeFile } from 'node:fs/promises';
import { arch, cpus, totalmem } from 'node:os';
import type { Contestant } from './gateway/contestants.js';
import { clients, eventsEach, measure, type Sample, talkers } from './gateway/round.js';
import { type Goal, rowsOf, toTable } from './gateway/table.js';
import type { Work } from './gateway/work.js';
import { median } from './support/statistics.js';

const rounds = 3;
const page = 'bench/README.md';
const [begin, end] = ['<!-- gateway: written by the command -->', '<!-- gateway: end -->'];

const contestants: readonly Contestant[] = ['stock', 'bare', 'ours'];

const works: Readonly<Record<string, Work>> = {
  '60 handlers': { handlers: 60, pipeline: false },
  '20 handlers': { handlers: 20, pipeline: false },
  '20 handlers with guard, interceptor and validating pipe': { handlers: 20, pipeline: true },
};

const goals: readonly Goal[] = [
  { what: 'heap per connection', unit: 'KB', work: '60 handlers', of: 'heap', ofStock: 0.065, ofBare: 1 },
  { what: 'heap per connection', unit: 'KB', work: '20 handlers', of: 'heap', ofStock: 0.15 },
  { what: 'CPU to connect', unit: 'µs', work: '60 handlers', of: 'connect', ofStock: 0.35 },
  { what: 'CPU per acknowledged event', unit: 'µs', work: '60 handlers', of: 'event', ofStock: 0.4 },
  {
    what: 'CPU per acknowledged event',
    unit: 'µs',
    work: '20 handlers with guard, interceptor and validating pipe',
    of: 'event',
    ofStock: 0.85,
  },
];

/** What a client and its events cost with Nest's own adapter, with Socket.IO alone, and here. */
export async function benchGateway(): Promise<void> {
  const samples = new Map<string, Sample[]>();
  for (let round = 0; round < rounds; round++) {
    for (const [name, work] of Object.entries(works)) {
      // Each comes first, second and last, since a machine is not the same all the time.
      for (const contestant of rotated(contestants, round)) {
        // Socket.IO alone has no guards, interceptors and pipes.
        if (work.pipeline && contestant === 'bare') continue;
        const sample = await measure(contestant, work);
        const key = `${name}, ${contestant}`;
        samples.set(key, [...(samples.get(key) ?? []), sample]);
        process.stderr.write(`gateway, round ${round + 1} of ${rounds}: ${key} ${JSON.stringify(sample)}\n`);
      }
    }
  }
  const figure = (work: string, contestant: Contestant, of: keyof Sample): number | undefined => {
    const measured = samples.get(`${work}, ${contestant}`);
    return measured && median(measured.map((sample) => sample[of]));
  };
  const table = toTable(rowsOf(goals, figure));
  process.stdout.write(`${table}\n`);
  await writeSection(table);
}

function rotated<T>(list: readonly T[], by: number): readonly T[] {
  const start = by % list.length;
  return [...list.slice(start), ...list.slice(0, start)];
}

async function writeSection(table: string): Promise<void> {
  const section = [begin, '', await conditions(), '', table, '', end].join('\n');
  const text = await readFile(page, 'utf8').catch(() => `# Benchmarks\n\n${begin}\n${end}\n`);
  const [head, rest] = text.split(begin);
  const tail = rest?.split(end)[1] ?? '\n';
  await writeFile(page, `${head}${section}${tail}`);
}

async function conditions(): Promise<string> {
  const { dependencies } = JSON.parse(await readFile('package.json', 'utf8')) as {
    dependencies: Record<string, string>;
  };
  const versions = ['@nestjs/websockets', 'socket.io'].map((name) => `${name} ${dependencies[name]}`);
  const machine = `${cpus().length} × ${cpus()[0]?.model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GiB, ${arch()}`;
  return (
    `\`npm run bench -- gateway\`, Node ${process.versions.node}, ${versions.join(', ')}; ${machine}. ${clients} WebSocket ` +
    `clients, of which ${talkers} emit ${eventsEach} events each, one at a time; medians of ${rounds} rounds, the server in a ` +
    'process of its own each time. Every event was acknowledged exactly once, with the right answer.'
  );
}
