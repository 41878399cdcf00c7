import type { Emitted } from './routes/emits/emitter-process.js';
import { emitAll, emits } from './routes/emits/round.js';
import type { Consumer } from './routes/memory/heap-snapshot.js';
import { heapPerConnection, idleClients, memoryPerConnection, snapshotClients } from './routes/memory/round.js';
import type { Memory } from './routes/memory/server-process.js';
import { type Burden, burdenOf, bystanders, pacedMessages } from './routes/nodes/bystanders.js';
import { messageBytes, type Output, outputMessages, outputOf, outputWorkers } from './routes/nodes/output.js';
import { type Comparison, consumerTable, figuresOf, tableOf } from './routes/table.js';
import type { BenchOptions, Figures } from './support/figures.js';
import { readGoals } from './support/goals.js';
import { Progress } from './support/progress.js';
import { startRedis } from './support/redis.js';
import { conditions, writeSamples, writeSection } from './support/report.js';
import { rotated } from './support/rotated.js';
import { median } from './support/statistics.js';

const fullRounds = 5;

const adapters = ['classic', 'sharded', 'ours'] as const;
const emitters = ['official', 'ours'] as const;
const servers = ['stock', 'bare', 'ours, embedded', 'ours, Redis'] as const;

const consumersShown = 16;

type Samples<Contestant extends string, Sample> = Readonly<Record<Contestant, readonly Sample[]>>;

interface Measured {
  readonly output: Samples<(typeof adapters)[number], Output>;
  readonly bystanders: Samples<(typeof adapters)[number], Burden>;
  readonly emits: Samples<(typeof emitters)[number], Emitted>;
  readonly memory: Samples<(typeof servers)[number], Memory>;
  readonly heap: Readonly<Record<'bare' | 'ours', readonly Consumer[]>>;
}

/** What it costs that messages go only where somebody waits for them: Redis, idle workers, publishers, memory. */
export async function benchRoutes({ rounds }: BenchOptions): Promise<Figures> {
  const goals = await readGoals();
  const measured = await measure(rounds ?? fullRounds);
  const comparisons = compare(measured);
  const table = tableOf(comparisons, goals);
  const consumers = consumerTable(measured.heap.bare, measured.heap.ours, consumersShown);
  process.stdout.write(`${table}\n\n${consumers}\n`);
  if (rounds === undefined) {
    await writeSamples('routes', measured);
    await writeSection('routes', [await introduction(), table, ofConsumers, consumers]);
  }
  return figuresOf(comparisons);
}

async function measure(rounds: number): Promise<Measured> {
  const runs = rounds * (2 * adapters.length + emitters.length + servers.length) + 2;
  const progress = new Progress('routes', runs);
  const redis = await startRedis();
  const inTurn = async <Contestant extends string, Sample>(
    what: string,
    contestants: readonly Contestant[],
    sampleOf: (contestant: Contestant) => Promise<Sample>,
  ): Promise<Samples<Contestant, Sample>> => {
    const samples = Object.fromEntries(contestants.map((contestant) => [contestant, [] as Sample[]])) as Record<
      Contestant,
      Sample[]
    >;
    for (let round = 0; round < rounds; round++) {
      for (const contestant of rotated(contestants, round)) {
        progress.begin(`${what}: ${contestant}`);
        samples[contestant].push(await sampleOf(contestant));
      }
    }
    return samples;
  };
  const heapOf = (contestant: (typeof servers)[number]): Promise<readonly Consumer[]> => {
    progress.begin(`what memory consists of: ${contestant}`);
    return heapPerConnection(contestant, redis.url);
  };
  try {
    return {
      output: await inTurn('output of Redis', adapters, outputOf),
      bystanders: await inTurn('workers without a member', adapters, burdenOf),
      emits: await inTurn('emits', emitters, emitAll),
      memory: await inTurn('memory', servers, (server) => memoryPerConnection(server, redis.url)),
      heap: { bare: await heapOf('bare'), ours: await heapOf('ours, Redis') },
    };
  } finally {
    await redis.stop();
  }
}

function compare({ output, bystanders: burdens, emits: emitted, memory }: Measured): readonly Comparison[] {
  const copies = (what: string, rival: 'classic' | 'sharded', to: 'rooms' | 'clients'): Comparison => ({
    what,
    unit: 'copies of each message',
    rival,
    theirs: of(output[rival], (sample) => sample[to]),
    ours: of(output.ours, (sample) => sample[to]),
  });
  const burden = (rival: 'classic' | 'sharded'): Comparison => ({
    what: 'CPU of workers that hold no member',
    unit: 'µs for each message, all together',
    rival,
    theirs: of(burdens[rival], ({ cpu }) => cpu),
    ours: of(burdens.ours, ({ cpu }) => cpu),
  });
  const kilobytes = (what: string, kind: keyof Memory, rival: 'bare' | 'stock', ours: keyof typeof memory) => ({
    what,
    unit: 'KB',
    rival,
    theirs: of(memory[rival], (sample) => sample[kind]) / 1_000,
    ours: of(memory[ours], (sample) => sample[kind]) / 1_000,
  });
  return [
    copies('Redis output for rooms that no worker holds', 'classic', 'rooms'),
    copies('Redis output for rooms that no worker holds', 'sharded', 'rooms'),
    copies('Redis output for clients that no worker holds', 'classic', 'clients'),
    copies('Redis output for clients that no worker holds', 'sharded', 'clients'),
    burden('classic'),
    burden('sharded'),
    {
      what: '10,000 emits',
      unit: 'ms until Redis has answered all',
      rival: 'official emitter',
      theirs: of(emitted.official, ({ answeredAfterMs }) => answeredAfterMs),
      ours: of(emitted.ours, ({ answeredAfterMs }) => answeredAfterMs),
    },
    kilobytes('resident memory per idle connection', 'resident', 'bare', 'ours, Redis'),
    kilobytes('resident memory per idle connection', 'resident', 'stock', 'ours, Redis'),
    kilobytes('resident memory per idle connection over the embedded carrier', 'resident', 'bare', 'ours, embedded'),
    kilobytes('heap per idle connection', 'heap', 'bare', 'ours, Redis'),
    kilobytes('heap per idle connection over the embedded carrier', 'heap', 'bare', 'ours, embedded'),
  ];
}

function of<Sample>(samples: readonly Sample[], value: (sample: Sample) => number): number {
  return median(samples.map(value));
}

async function introduction(): Promise<string> {
  const packages = [
    '@nestjs/websockets',
    'socket.io',
    '@socket.io/redis-adapter',
    '@socket.io/redis-emitter',
    'ioredis',
  ];
  return [
    `\`npm run bench -- routes\`, ${await conditions(packages)}. Medians of ${fullRounds} rounds, everything started anew`,
    `for each. Output: ${outputWorkers} workers, ${outputMessages} messages of ${messageBytes} bytes, counted by Redis; each`,
    'message of a room that is held arrived. CPU: 2 more workers, of which one emits and one holds the member, who got each',
    `of ${pacedMessages} messages, at 500 a second; ${bystanders} are measured. Emits: 100 bytes each to one room, ${emits} in a`,
    'loop; another process got every one, in order. Memory: a gateway with one handler, of Socket.IO alone in “bare”,',
    `${idleClients} WebSocket clients that say nothing, after garbage was collected; all stayed connected.`,
  ].join(' ');
}

const ofConsumers =
  `What the heap of a connection consists of: what two heap snapshots differ in, with ${snapshotClients} clients and ` +
  'without, by constructor (ours over Redis).';
