import { Client } from './client.js';
import { type Histogram, LatencyRecorder } from './histogram.js';
import { nowMicros, sentAt, sequenceAt } from './message.js';
import { type ProtocolName, protocols } from './protocol.js';
import { SequenceCheck } from './sequence-check.js';
import { audienceSize, concerns, roomsOf, type Workload } from './workload.js';

export type FleetCommand =
  | { readonly type: 'connect'; readonly port: number; readonly clients: number; readonly protocol: ProtocolName }
  | { readonly type: 'join' }
  /** Get ready for messages that begin with this number. */
  | { readonly type: 'expect'; readonly workload: Workload; readonly first: number }
  /** Everything up to this number has been sent and, as far as was counted, received. */
  | { readonly type: 'sum up'; readonly last: number };

export type FleetNews =
  | { readonly type: 'connected' | 'joined' | 'expecting' }
  /** So many batches have come to all whom they concern. */
  | { readonly type: 'received'; readonly batches: number }
  | { readonly type: 'fault'; readonly what: string }
  | { readonly type: 'summed up'; readonly report: FleetReport };

export interface FleetReport {
  readonly deliveries: number;
  /** User and system, since the workload was expected, in microseconds. */
  readonly cpu: number;
  /** Of the workloads with a rate. */
  readonly latencies: Histogram;
}

const atATime = 100;
const clients: Client[] = [];
let checks: SequenceCheck[] = [];
let run = idle();

process.on('message', (command: FleetCommand) => void obey(command).then(tell, ({ message }: Error) => fail(message)));

process.on('disconnect', () => process.exit());

async function obey(command: FleetCommand): Promise<FleetNews> {
  switch (command.type) {
    case 'connect':
      await inGroups(command.clients, (index) => connectOne(index, command.port, command.protocol));
      return { type: 'connected' };
    case 'join':
      await inGroups(clients.length, (index) => clients[index]!.join(roomsOf(index, clients.length)));
      return { type: 'joined' };
    case 'expect':
      run = begin(command.workload);
      checks = clients.map(
        (_, index) =>
          new SequenceCheck(command.first - 1, (sequence) =>
            concerns(command.workload.content.audience, index, sequence, clients.length),
          ),
      );
      return { type: 'expecting' };
    case 'sum up':
      return { type: 'summed up', report: sumUp(command.last) };
  }
}

async function inGroups(count: number, act: (index: number) => Promise<void>): Promise<void> {
  for (let from = 0; from < count; from += atATime) {
    await Promise.all(Array.from({ length: Math.min(atATime, count - from) }, (_, step) => act(from + step)));
  }
}

async function connectOne(index: number, port: number, protocol: ProtocolName): Promise<void> {
  const fault = (what: string): void => fail(`client ${index} ${what}`);
  const client = new Client(port, protocols[protocol], {
    message: (bytes, from, to) => receive(index, bytes, from, to),
    fault,
  });
  clients[index] = client;
  await client.ready();
}

function idle() {
  return begin({ content: { bytes: 0, binary: false, audience: 'all' }, pace: { atATime: 1, window: 1 }, ms: 0 });
}

function begin({ content, pace }: Workload) {
  const latencies = 'perSecond' in pace ? new LatencyRecorder() : undefined;
  const perBatch = ('perSecond' in pace ? 1 : pace.atATime) * audienceSize(content.audience, clients.length);
  return { bytes: content.bytes, latencies, perBatch, deliveries: 0, batches: 0, cpuBefore: process.cpuUsage() };
}

function receive(index: number, bytes: Buffer, from: number, to: number): void {
  if (to - from !== run.bytes) return fail(`client ${index} got ${to - from} bytes in the place of ${run.bytes}`);
  const wrong = checks[index]!.received(sequenceAt(bytes, from));
  if (wrong !== undefined) return fail(`client ${index} ${wrong}`);
  run.latencies?.record(nowMicros() - sentAt(bytes, from));
  run.deliveries++;
  if (run.deliveries === (run.batches + 1) * run.perBatch) {
    run.batches++;
    tell({ type: 'received', batches: run.batches });
  }
}

function sumUp(last: number): FleetReport {
  const missing = checks.flatMap((check, index) => check.missing(last)?.replace(/^/, `client ${index} `) ?? []);
  if (missing.length > 0) throw new Error(`${missing.length} clients have not got all: ${missing[0]}`);
  const { user, system } = process.cpuUsage(run.cpuBefore);
  return { deliveries: run.deliveries, cpu: user + system, latencies: run.latencies?.histogram() ?? {} };
}

function fail(what: string): void {
  tell({ type: 'fault', what });
}

function tell(news: FleetNews): void {
  process.send!(news);
}
