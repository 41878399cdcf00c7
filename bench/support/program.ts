import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

export interface BenchProgram {
  readonly url: string;
  readonly process: ChildProcess;
  /** From the start of the process until it said that every worker serves, in milliseconds. */
  readonly readyAfterMs: number;
  stop(): Promise<void>;
}

/** Starts the built program as a user would, or another one, and resolves once every worker serves. */
export async function startProgram(
  env: NodeJS.ProcessEnv,
  { file = 'dist/main.cluster.js', node = process.execPath } = {},
): Promise<BenchProgram> {
  const startedAt = performance.now();
  const program = spawn(node, [file], {
    env: { ...process.env, NO_COLOR: '1', PORT: '0', REDIS_KEY: randomUUID(), ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(program, 'exit');
  const url = await readyUrl(program);
  const readyAfterMs = performance.now() - startedAt;
  const stop = async (): Promise<void> => {
    program.kill('SIGTERM');
    await exited;
  };
  return { url, process: program, readyAfterMs, stop };
}

async function readyUrl(program: ChildProcess): Promise<string> {
  for await (const line of createInterface({ input: program.stdout! })) {
    const url = /ready at (http:\S+:\d+)/.exec(line)?.[1];
    if (!url) continue;
    program.stdout!.resume();
    return url;
  }
  throw new Error('The program ended before it was ready.');
}
