import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createWriteStream, type WriteStream } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { eventually } from '../../test/support/eventually.js';
import type { ClusterStatus, WorkerStatus } from '../../src/cluster/status.js';
import { within } from '../../src/within.js';
import { statusOf } from '../support/control.js';
import { endWithThisProcess } from './end-with-this-process.js';

export const heartbeatIntervalMs = 500;

const statusEveryMs = 500;
/** A cluster that has been through much may still be replacing a worker. */
const wholeWithinMs = 30_000;
const endsWithinMs = 15_000;
/** A worker that holds what it should not ends sooner, and takes less of the machine with it. */
const heapMebibytes = 256;

/** The built program under its own supervision, watched through its control socket. */
export class ChaosProgram {
  readonly exited: Promise<string>;
  /** How many workers were killed on purpose. */
  kills = 0;
  mostMemoryBytes = 0;
  private last: ClusterStatus | undefined;
  private watch: NodeJS.Timeout | undefined;
  private readonly killed = new Set<number>();

  private constructor(
    readonly url: string,
    readonly key: string,
    private readonly primary: ChildProcess,
    private readonly folder: string,
    private readonly log: WriteStream,
  ) {
    this.exited = endOf(primary);
    this.watch = setInterval(() => void this.look().catch(() => {}), statusEveryMs);
  }

  /** @throws Error with what it said, when it ends before every worker serves. */
  static async start(workers: number, redisUrl: string): Promise<ChaosProgram> {
    const folder = await mkdtemp(path.join(tmpdir(), 'chaos-'));
    const key = randomUUID();
    const own = {
      NO_COLOR: '1',
      PORT: '0',
      WORKERS: `${workers}`,
      REDIS_URL: redisUrl,
      REDIS_KEY: key,
      HEARTBEAT_INTERVAL_MS: `${heartbeatIntervalMs}`,
      CONTROL_SOCKET: path.join(folder, 'control.sock'),
      NODE_OPTIONS: `--max-old-space-size=${heapMebibytes}`,
    };
    const primary = spawn(process.execPath, ['dist/main.cluster.js'], {
      env: { ...process.env, ...own },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    endWithThisProcess(primary);
    const log = createWriteStream(path.join(folder, 'program.log'));
    for (const stream of [primary.stdout, primary.stderr]) stream.pipe(log, { end: false });
    const url = await readyUrl(primary);
    if (url === undefined)
      throw new Error(`The program ended before it was ready:\n${await lastWords(primary, log, folder)}`);
    return new ChaosProgram(url, key, primary, folder, log);
  }

  get hasEnded(): boolean {
    return hasEnded(this.primary);
  }

  /** Kills one of the workers that serve, as soon as there is one; tells its slot, and when. */
  async killWorker(pick: number): Promise<{ readonly slot: number; readonly from: number }> {
    const ready = await eventually(
      () => this.readyWorkers(),
      (workers) => workers.length > 0,
    );
    const { slot, pid } = ready[pick % ready.length]!;
    const from = performance.now();
    process.kill(pid, 'SIGKILL');
    this.killed.add(pid);
    this.kills++;
    return { slot, from };
  }

  /** Resolves once all workers serve; or, after a while, although they do not. */
  async untilWhole(): Promise<void> {
    const isWhole = ({ workers, wanted, exits }: ClusterStatus): boolean =>
      workers.filter(({ state }) => state === 'ready').length === wanted && exits.killed >= this.kills;
    await eventually(() => this.look(), isWhole, wholeWithinMs).catch(() => {});
  }

  /** How processes ended that nobody had killed, by kind. */
  deaths(): Readonly<Record<string, number>> {
    const { killed = 0, ...others } = this.last?.exits ?? {};
    const all = { ...others, killed: Math.max(0, killed - this.kills), primary: this.hasEnded ? 1 : 0 };
    return Object.fromEntries(Object.entries(all).filter(([, count]) => count > 0));
  }

  /** Where all that it said can be read, if it is kept. */
  get logFile(): string {
    return String(this.log.path);
  }

  /** Asks it to end, and tells how it did. */
  async stop(): Promise<string> {
    clearInterval(this.watch);
    this.primary.kill('SIGTERM');
    return await within(endsWithinMs, this.exited, () => {
      this.primary.kill('SIGKILL');
      return `not within ${endsWithinMs} ms`;
    });
  }

  /** Throws what it said away, unless it is to be read. */
  async close(keep: boolean): Promise<void> {
    await this.exited;
    await new Promise<void>((resolve) => void this.log.end(resolve));
    if (!keep) await rm(this.folder, { recursive: true, force: true });
  }

  private async readyWorkers(): Promise<readonly WorkerStatus[]> {
    const { workers } = await this.look();
    return workers.filter(({ pid, state }) => state === 'ready' && !this.killed.has(pid));
  }

  private async look(): Promise<ClusterStatus> {
    const status = await statusOf(path.join(this.folder, 'control.sock'));
    this.last = status;
    this.mostMemoryBytes = Math.max(this.mostMemoryBytes, ...status.workers.map(({ rssBytes }) => rssBytes ?? 0));
    return status;
  }
}

/** Undefined when it ends before. */
async function readyUrl({ stdout }: ChildProcess): Promise<string | undefined> {
  for await (const line of createInterface({ input: stdout! })) {
    const url = /ready at (http:\S+:\d+)/.exec(line)?.[1];
    if (!url) continue;
    // The interface pauses what it no longer reads, and the log would end here.
    stdout!.resume();
    return url;
  }
  return undefined;
}

async function lastWords(primary: ChildProcess, log: WriteStream, folder: string): Promise<string> {
  if (!hasEnded(primary)) await once(primary, 'exit');
  await new Promise<void>((resolve) => void log.end(resolve));
  const words = await readFile(log.path, 'utf8');
  await rm(folder, { recursive: true, force: true });
  return words;
}

async function endOf(primary: ChildProcess): Promise<string> {
  const [code, signal] = (await once(primary, 'exit')) as [number | null, NodeJS.Signals | null];
  return signal ?? `exit code ${code}`;
}

function hasEnded({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode !== null || signalCode !== null;
}
