import { readFile } from 'node:fs/promises';
import { setTimeout as elapsed } from 'node:timers/promises';

/** What the kernel's figures count in: USER_HZ, the same on every Linux that Node runs on. */
const msPerTick = 10;

/** With less than that in a pause, nothing is going on any more. */
const quietMs = 10;
const pauseMs = 200;
const mostPauses = 50;

/** A primary and its workers. */
export interface Cluster<T> {
  readonly primary: T;
  readonly workers: T;
}

/** The processor time of a cluster so far, in milliseconds: in the program and in the kernel on its behalf. */
export async function cpuOf(primary: number): Promise<Cluster<number>> {
  const workers = await childrenOf(primary);
  const spent = await Promise.all([primary, ...workers].map(cpuOfProcess));
  return { primary: spent[0]!, workers: spent.slice(1).reduce((sum, ms) => sum + ms, 0) };
}

/** Resolves with it once what was begun has come to its end. */
export async function cpuOnceQuiet(primary: number): Promise<Cluster<number>> {
  let before = await cpuOf(primary);
  for (let pauses = 0; pauses < mostPauses; pauses++) {
    await elapsed(pauseMs);
    const now = await cpuOf(primary);
    if (now.primary + now.workers - before.primary - before.workers <= quietMs) return now;
    before = now;
  }
  throw new Error(`The processes of ${primary} do not come to rest, so what they do has no figure.`);
}

async function childrenOf(pid: number): Promise<number[]> {
  const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8');
  return children.split(' ').filter(Boolean).map(Number);
}

async function cpuOfProcess(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  // The name before it may hold spaces.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * msPerTick;
}
