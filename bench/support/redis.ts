import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { choosePort } from '../../src/cluster/choose-port.js';

export interface BenchRedis {
  readonly url: string;
  readonly process: ChildProcess;
  stop(): Promise<void>;
}

export interface BenchRedisOptions {
  /** @default a free one */
  readonly port?: number;
  /** In a process group of its own it does not end with Ctrl-C, but only by `stop`. */
  readonly detached?: boolean;
}

/** Starts a Redis that keeps nothing, on one core where one is named, and resolves once it accepts connections. */
export async function startRedis(
  core?: string,
  { port: wanted = 0, detached = false }: BenchRedisOptions = {},
): Promise<BenchRedis> {
  const port = await choosePort(wanted, '127.0.0.1');
  const folder = await mkdtemp(path.join(tmpdir(), 'bench-redis-'));
  const args = ['--port', `${port}`, '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--dir', folder];
  const command = [...(core === undefined ? [] : ['taskset', '-c', core]), 'redis-server', ...args];
  const server = spawn(command[0]!, command.slice(1), { stdio: ['ignore', 'pipe', 'inherit'], detached });
  // Of a command that is not there one hears only an `error`.
  const exited = once(server, 'exit').catch(() => {});
  const stop = async (): Promise<void> => {
    server.kill('SIGKILL');
    await exited;
    await rm(folder, { recursive: true, force: true });
  };
  for await (const line of createInterface({ input: server.stdout })) {
    if (!line.includes('Ready to accept connections')) continue;
    server.stdout.resume();
    return { url: `redis://127.0.0.1:${port}`, process: server, stop };
  }
  await stop();
  throw new Error('It takes redis-server, which is not there or ended before it was ready.');
}
