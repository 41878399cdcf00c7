import { cpus } from 'node:os';

/** How long all cores together have been at work, in milliseconds, for whichever process. */
export function busyMs(): number {
  return cpus().reduce((sum, { times }) => sum + times.user + times.nice + times.sys + times.irq, 0);
}
