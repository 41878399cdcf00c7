import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { randomUUID } from 'node:crypto';
import { onTestFinished } from 'vitest';
import { type Client, connect, connectToEach, type WelcomedClient } from './clients.js';
import type { Wrapper } from './network-namespace.js';

export interface ProgramOptions {
  /** @default "dist/main.cluster.js" */
  readonly entry?: string;
  readonly workers?: number;
  readonly env?: NodeJS.ProcessEnv;
  /**
   * The Node that runs it.
   * @default that of the tests
   */
  readonly node?: string;
  readonly wrapper?: Wrapper;
  /**
   * Takes what ends it.
   * @default it ends with the test
   */
  readonly endWith?: (end: () => Promise<void>) => void;
}

export interface RunningProgram {
  readonly url: string;
  readonly process: ChildProcess;
  /** What it has printed so far. */
  readonly output: () => string;
  /** The line that said it was ready. */
  readonly readyLine: string;
  readonly exited: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
  connect(): Promise<WelcomedClient>;
  connectToEach(): Promise<Client[]>;
  /** The process ids of the workers, by slot. */
  readonly workerPids: () => Promise<Map<number, number>>;
  /** Resolves with the line that it prints next and that matches; one printed before does not count. */
  says(pattern: RegExp): Promise<string>;
}

/** Starts the built program and resolves once every worker serves. It ends with the test. */
export async function startProgram(options: ProgramOptions = {}): Promise<RunningProgram> {
  const { workers = 2, env = {}, endWith } = options;
  const [file, ...args] = commandLine(options);
  return await follow(spawn(file, args, { env: programEnvironment(workers, env) }), workers, endWith);
}

/** As {@link startProgram}, through a command line. */
export async function startCommand(command: readonly [string, ...string[]], options: ProgramOptions = {}) {
  const { workers = 2, env = {} } = options;
  const [file, ...args] = command;
  return await follow(spawn(file, args, { env: programEnvironment(workers, env) }), workers);
}

/** Runs the built program that should not come far, and resolves with how it ended. */
export async function runToEnd(options: ProgramOptions = {}) {
  const { workers = 1, env = {} } = options;
  const [file, ...args] = commandLine(options);
  const program = spawn(file, args, { env: programEnvironment(workers, env) });
  endWithTest(program);
  const chunks = { stdout: '', stderr: '' };
  program.stdout.on('data', (data: Buffer) => void (chunks.stdout += data.toString()));
  program.stderr.on('data', (data: Buffer) => void (chunks.stderr += data.toString()));
  const [code] = (await once(program, 'close')) as [number | null];
  return { code, ...chunks };
}

/** The program first, then its arguments. */
function commandLine(options: ProgramOptions): readonly [string, ...string[]] {
  const { entry = 'dist/main.cluster.js', node = process.execPath, wrapper = [] } = options;
  const [file, ...args] = [...wrapper, node, entry];
  return [file, ...args];
}

function programEnvironment(workers: number, env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const own = { PORT: '0', WORKERS: `${workers}`, HEARTBEAT_INTERVAL_MS: '100', REDIS_KEY: randomUUID() };
  return { ...process.env, NO_COLOR: '1', ...own, ...env };
}

async function follow(
  program: ChildProcess,
  workers: number,
  endWith: ProgramOptions['endWith'] = onTestFinished,
): Promise<RunningProgram> {
  endWith(endOf(program));
  let output = '';
  const waiting = new Set<{ pattern: RegExp; resolve: (line: string) => void }>();
  const says = (pattern: RegExp): Promise<string> => new Promise((resolve) => void waiting.add({ pattern, resolve }));
  for (const stream of [program.stdout!, program.stderr!]) {
    createInterface({ input: stream }).on('line', (line) => {
      output += `${line}\n`;
      for (const wait of waiting) {
        if (!wait.pattern.test(line)) continue;
        waiting.delete(wait);
        wait.resolve(line);
      }
    });
  }
  const exited = once(program, 'exit').then(([code, signal]) => ({
    code: code as number | null,
    signal: signal as NodeJS.Signals | null,
  }));
  const readyLine = await Promise.race([
    says(/ready at http/),
    exited.then(() => Promise.reject(new Error(`The program ended before it was ready:\n${output}`))),
  ]);
  const url = /http:\S+:\d+/.exec(readyLine)![0];
  return {
    url,
    process: program,
    output: () => output,
    readyLine,
    exited,
    connect: () => connect(url),
    connectToEach: () => connectToEach(url, workers),
    workerPids: () => workerPidsOf(program.pid!),
    says,
  };
}

function endWithTest(program: ChildProcess): void {
  onTestFinished(endOf(program));
}

function endOf(program: ChildProcess): () => Promise<void> {
  const ended = new Promise((resolve) => program.once('exit', resolve));
  return async () => {
    if (program.exitCode !== null || program.signalCode !== null) return;
    program.kill('SIGCONT');
    program.kill('SIGKILL');
    await ended;
  };
}

async function workerPidsOf(primaryPid: number): Promise<Map<number, number>> {
  const pids = new Map<number, number>();
  for (const pid of await childrenOf(primaryPid)) {
    const slot = /(?:^|\0)WORKER_SLOT=(\d+)/.exec(await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => ''))?.[1];
    if (slot) pids.set(Number(slot), pid);
  }
  return pids;
}

/** The processes that a process has started and that still are. */
export async function childrenOf(pid: number): Promise<number[]> {
  const list = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '');
  return list.split(' ').filter(Boolean).map(Number);
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
