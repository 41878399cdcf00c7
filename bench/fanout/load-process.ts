import path from 'node:path';
import { setTimeout as elapsed } from 'node:timers/promises';
import { Emitter } from '@socket.io/redis-emitter';
import { Redis } from 'ioredis';
import { end, news, start } from '../support/children.js';
import type { FleetCommand, FleetNews, FleetReport } from './fleet-process.js';
import { nowMicros, payload } from './message.js';
import { eventName, type ProtocolName } from './protocol.js';
import { Receipts } from './receipts.js';
import { type Content, type Pace, roomFor, type Workload } from './workload.js';

export type LoadCommand =
  | { readonly type: 'connect'; readonly port: number; readonly clients: number; readonly protocol: ProtocolName }
  | { readonly type: 'join' }
  | { readonly type: 'run'; readonly workload: Workload };

export type LoadNews =
  | { readonly type: 'connected' | 'joined' }
  | { readonly type: 'ran'; readonly run: LoadRun }
  | { readonly type: 'fault'; readonly what: string };

export interface LoadRun extends Omit<FleetReport, 'cpu'> {
  readonly ms: number;
  /** Of the clients and of what publishes, in milliseconds. */
  readonly cpuMs: number;
}

/** How long the last message may be on its way before it counts as lost. */
const longestWaitMs = 15_000;

const redis = new Redis(process.argv[2]!);
const fleet = start(path.join(import.meta.dirname, 'fleet-process.js'));
let clients = 0;
let published = 0;
const receipts = new Receipts();

fleet.on('message', (said: FleetNews) => receipts.note(said));
process.on('message', (command: LoadCommand) => void obey(command).then(tell, fail));
process.on('disconnect', leave);
process.on('SIGTERM', leave);

async function obey(command: LoadCommand): Promise<LoadNews> {
  switch (command.type) {
    case 'connect':
      ({ clients } = command);
      await ask(command, 'connected');
      return { type: 'connected' };
    case 'join':
      await ask(command, 'joined');
      return { type: 'joined' };
    case 'run':
      return { type: 'ran', run: await run(command.workload) };
  }
}

async function run(workload: Workload): Promise<LoadRun> {
  const first = published + 1;
  receipts.begin();
  await ask({ type: 'expect', workload, first }, 'expecting');
  const cpuBefore = process.cpuUsage();
  const startedAt = performance.now();
  await (isLockStep(workload.pace) ? inStep(workload, workload.pace) : atRate(workload, workload.pace.perSecond));
  const ms = performance.now() - startedAt;
  const { user, system } = process.cpuUsage(cpuBefore);
  const { deliveries, latencies, cpu } = await sumUp();
  return { deliveries, latencies, ms, cpuMs: (cpu + user + system) / 1_000 };
}

type LockStep = Extract<Pace, { atATime: number }>;

function isLockStep(pace: Pace): pace is LockStep {
  return 'atATime' in pace;
}

async function inStep({ content, ms }: Workload, { atATime, window }: LockStep): Promise<void> {
  const until = performance.now() + ms;
  let sent = 0;
  do {
    for (; sent - receipts.received < window; sent++) publish(content, atATime);
    await receivedBy(sent - window + 1);
  } while (performance.now() < until);
  await receivedBy(sent);
}

async function atRate({ content, ms }: Workload, perSecond: number): Promise<void> {
  const startedAt = performance.now();
  const total = Math.ceil((ms / 1_000) * perSecond);
  for (let sent = 0; sent < total;) {
    const due = Math.min(total, Math.ceil(((performance.now() - startedAt) / 1_000) * perSecond));
    for (; sent < due; sent++) publish(content, 1);
    await elapsed(1);
  }
  await receivedBy(total);
}

/** One write to Redis, in the bytes of the official emitter. */
function publish({ bytes, binary, audience }: Content, messages: number): void {
  const pipeline = redis.pipeline();
  const emitter = new Emitter({ publish: (channel: string, message: Buffer) => pipeline.publish(channel, message) });
  for (let count = 0; count < messages; count++) {
    const text = payload(++published, nowMicros(), bytes);
    const room = roomFor(audience, published, clients);
    (room === undefined ? emitter : emitter.to(room)).emit(eventName, binary ? Buffer.from(text) : text);
  }
  pipeline.exec().catch(fail);
}

/** Where they do not come in time, the sum says who has not got what. */
async function receivedBy(batches: number): Promise<void> {
  await receipts.atLeast(batches, longestWaitMs);
  if (receipts.received < batches) await sumUp();
}

async function sumUp(): Promise<FleetReport> {
  const told = await ask<Extract<FleetNews, { type: 'summed up' }>>({ type: 'sum up', last: published }, 'summed up');
  return told.report;
}

function ask<News extends FleetNews>(command: FleetCommand, type: News['type']): Promise<News> {
  fleet.send(command);
  return news<News>(fleet, type);
}

function leave(): void {
  void end(fleet, 'SIGKILL').finally(() => process.exit());
}

function fail({ message }: Error): void {
  tell({ type: 'fault', what: message });
}

function tell(said: LoadNews): void {
  process.send!(said);
}
