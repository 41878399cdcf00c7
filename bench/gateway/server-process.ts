import type { AddressInfo } from 'node:net';
import { setTimeout as elapsed } from 'node:timers/promises';
import { type Contestant, contestants } from './contestants.js';
import type { Work } from './work.js';

export interface Usage {
  readonly type: 'usage';
  /** After garbage was collected, in bytes. */
  readonly heap: number;
  /** User and system, since the process began, in microseconds: before the garbage was collected, and after. */
  readonly cpuBefore: number;
  readonly cpuAfter: number;
}

export type ServerNews = { readonly type: 'listening'; readonly port: number } | Usage;

const [name, work] = process.argv.slice(2) as [Contestant, string];
const server = await contestants[name](JSON.parse(work) as Work);
tell({ type: 'listening', port: (server.address() as AddressInfo).port });
process.on('message', () => void measure());
// So that a profile which Node was asked for is written.
process.on('SIGTERM', () => process.exit());

async function measure(): Promise<void> {
  const cpuBefore = cpu();
  for (let pass = 0; pass < 4; pass++) {
    global.gc!();
    await elapsed(50);
  }
  tell({ type: 'usage', heap: process.memoryUsage().heapUsed, cpuBefore, cpuAfter: cpu() });
}

function cpu(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}

function tell(news: ServerNews): void {
  process.send!(news);
}
