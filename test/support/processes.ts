import { randomUUID } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { onTestFinished } from 'vitest';

/** Every process that descends from one start, found by what its environment inherits. */
export interface Family {
  /** Goes into the environment of the start. */
  readonly env: NodeJS.ProcessEnv;
  /** The ids of those that run. */
  alive(): Promise<number[]>;
  /** Resolves once none runs; rejects after ten seconds, with who is left. */
  gone(): Promise<void>;
}

/** Marks the processes that a test will start; whoever is left of them ends with the test. */
export function markFamily(): Family {
  const mark = `TEST_FAMILY=${randomUUID()}`;
  const alive = (): Promise<number[]> => processesWith(mark);
  onTestFinished(async () => {
    for (const pid of await alive()) endAtOnce(pid);
  });
  return {
    env: Object.fromEntries([mark.split('=')]) as NodeJS.ProcessEnv,
    alive,
    gone: () => eventually(alive, (pids) => pids.length === 0, 'Processes are left'),
  };
}

/**
 * Looks again and again until what is seen will do; for what nobody says, as the end of a process that is not our child.
 *
 * @throws Error after ten seconds, with what was seen last.
 */
export async function eventually<T>(look: () => Promise<T>, willDo: (seen: T) => boolean, otherwise: string) {
  const end = performance.now() + 10_000;
  for (;;) {
    const seen = await look();
    if (willDo(seen)) return;
    if (performance.now() > end) throw new Error(`${otherwise}: ${JSON.stringify(seen)}`);
    await pause(20);
  }
}

async function processesWith(mark: string): Promise<number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  const found = await Promise.all(pids.map(async (pid) => ((await environmentOf(pid)).includes(mark) ? [pid] : [])));
  return found.flat();
}

/** Empty for a process that has ended and only waits for its parent to notice. */
async function environmentOf(pid: number): Promise<string[]> {
  const text = await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '');
  return text.split('\0');
}

function endAtOnce(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended by itself meanwhile.
  }
}
