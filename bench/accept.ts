import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import type { Tally } from '../test/fixtures/fresh-connections.js';
import { ask, statusOf } from './support/control.js';
import type { Figures } from './support/figures.js';
import { startProgram } from './support/program.js';

const workers = 4;
const replacements = 10;
const perSecond = 500;

/** How many of 500 connections a second are refused, reset or left without an answer while workers are replaced. */
export async function benchAccept(): Promise<Figures> {
  const dealt = await measure('round-robin', process.execPath);
  const node = newerNode();
  if (node === undefined) {
    process.stdout.write('reuse-port: not measured, since Node 24 could not be had from the npm package "node"\n');
    return dealt;
  }
  return { ...dealt, ...(await measure('reuse-port', node)) };
}

async function measure(listen: 'round-robin' | 'reuse-port', node: string): Promise<Figures> {
  const folder = await mkdtemp(path.join(tmpdir(), 'bench-'));
  const control = path.join(folder, 'control.sock');
  try {
    const env = { WORKERS: `${workers}`, CONTROL_SOCKET: control, LISTEN: listen, DRAIN_MS: '0' };
    const program = await startProgram(env, { node });
    const opener = openConnections(program.url);
    const startedAt = performance.now();
    for (let count = 0; count < replacements; count++) {
      await ask(control, { command: 'restart', slot: (count % workers) + 1 });
    }
    const seconds = (performance.now() - startedAt) / 1_000;
    const tally = await opener.stop();
    const { exits } = await statusOf(control);
    await program.stop();
    check(tally, seconds, exits.clean);
    print(`${describe(listen)}, Node ${versionOf(node)}`, tally, seconds);
    const notServed = outcomes.slice(1).reduce((total, { belongs }) => total + sum(tally, belongs), 0);
    return { [`connections not served, ${listen}`]: notServed };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function openConnections(url: string): { stop(): Promise<Tally> } {
  const file = path.join(import.meta.dirname, '../test/fixtures/fresh-connections.js');
  const opener = spawn(process.execPath, [file, url, `${perSecond}`], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [said, exited] = [text(opener.stdout), once(opener, 'exit')];
  const stop = async (): Promise<Tally> => {
    opener.kill('SIGTERM');
    await exited;
    return JSON.parse(await said) as Tally;
  };
  return { stop };
}

/** @throws Error when what was measured is not what the line says. */
function check(tally: Tally, seconds: number, replaced: number): void {
  const opened = sum(tally, () => true);
  if (replaced !== replacements) throw new Error(`Expected ${replacements} replacements, got ${replaced}.`);
  if (opened < 0.8 * seconds * perSecond) {
    throw new Error(`Expected about ${perSecond} connections a second, got ${Math.round(opened / seconds)}.`);
  }
  const counted = outcomes.reduce((total, { belongs }) => total + sum(tally, belongs), 0);
  if (counted !== opened) throw new Error(`Of ${opened} connections ${counted} are counted: ${JSON.stringify(tally)}`);
}

/** What became of a connection; each outcome belongs to one of them. */
const outcomes: readonly { readonly title: string; readonly belongs: (outcome: string) => boolean }[] = [
  { title: 'served', belongs: (outcome) => /^(page 200|handshake 101)$/.test(outcome) },
  { title: 'refused', belongs: (outcome) => / (ECONNREFUSED|[345]\d\d)$/.test(outcome) },
  { title: 'reset', belongs: (outcome) => / (ECONNRESET|EPIPE)$/.test(outcome) },
  {
    title: 'left without an answer',
    belongs: (outcome) => / (closed without an answer|not answered in time)$/.test(outcome),
  },
];

function print(name: string, tally: Tally, seconds: number): void {
  const counts = outcomes.map(({ title, belongs }) => `${sum(tally, belongs)} ${title}`);
  process.stdout.write(
    `${name}, ${replacements} replacements in ${seconds.toFixed(1)} s: ` +
      `of ${sum(tally, () => true)} connections ${counts.join(', ')}\n`,
  );
}

function sum(tally: Tally, belongs: (outcome: string) => boolean): number {
  return Object.entries(tally).reduce((total, [outcome, count]) => total + (belongs(outcome) ? count : 0), 0);
}

function describe(listen: string): string {
  if (listen === 'round-robin') return listen;
  return `${listen} (tcp_migrate_req=${readFileSync('/proc/sys/net/ipv4/tcp_migrate_req', 'utf8').trim()})`;
}

function versionOf(node: string): string {
  return execFileSync(node, ['-p', 'process.versions.node'], { encoding: 'utf8' }).trim();
}

function newerNode(): string | undefined {
  try {
    const args = ['-y', '-p', 'node@24', '-c', 'node -p process.execPath'];
    return execFileSync('npx', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  } catch {
    return undefined;
  }
}
