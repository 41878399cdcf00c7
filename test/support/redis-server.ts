import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { freePort } from './free-port.js';

export interface RedisServer {
  readonly url: string;
  readonly port: number;
  readonly process: ChildProcess;
  stop(): Promise<void>;
}

/** Starts a Redis that keeps nothing, and resolves once it accepts connections. */
export async function startRedis(binary: string, port?: number, options: string[] = []): Promise<RedisServer> {
  for (let attempt = 1; ; attempt++) {
    const chosen = port ?? (await freePort());
    const server = await launch(binary, chosen, options);
    if (server) return server;
    // Another program may take a free port first.
    if (port !== undefined || attempt === 5) throw new Error(`redis-server does not start on port ${chosen}.`);
  }
}

async function launch(binary: string, port: number, options: string[]): Promise<RedisServer | undefined> {
  const folder = await mkdtemp(path.join(tmpdir(), 'redis-'));
  const args = ['--port', `${port}`, '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--dir', folder];
  const server = spawn(binary, [...args, ...options], { stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = once(server, 'exit');
  const stop = async (): Promise<void> => {
    if (server.exitCode === null && server.signalCode === null) {
      server.kill('SIGCONT');
      server.kill('SIGKILL');
    }
    await exited;
    await rm(folder, { recursive: true, force: true });
  };
  const ready = await Promise.race([says(server, 'Ready to accept connections'), exited.then(() => false)]);
  if (ready) return { url: `redis://127.0.0.1:${port}`, port, process: server, stop };
  await stop();
  return undefined;
}

async function says(server: ChildProcess, words: string): Promise<boolean> {
  for await (const line of createInterface({ input: server.stdout! })) {
    if (!line.includes(words)) continue;
    server.stdout!.resume();
    return true;
  }
  return false;
}
