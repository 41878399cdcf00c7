import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** One core for what is measured and one for what puts load on it; undefined where that cannot be had. */
export interface Cores {
  readonly served: string;
  readonly load: string;
}

export function twoCores(): Cores | undefined {
  try {
    execFileSync('taskset', ['--version'], { stdio: 'ignore' });
    const [, list] = /^Cpus_allowed_list:\s*(\S+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))!;
    const [served, load] = parseCores(list!);
    return served === undefined || load === undefined ? undefined : { served, load };
  } catch {
    // Not Linux, or without util-linux.
    return undefined;
  }
}

/** The cores of a list as the kernel writes it: `0-2,5`. */
export function parseCores(list: string): string[] {
  return list.split(',').flatMap((range) => {
    const [from, to = from] = range.split('-').map(Number) as [number, number?];
    return Array.from({ length: to - from + 1 }, (_, index) => `${from + index}`);
  });
}
