import type { ChildProcess } from 'node:child_process';

/** For a process in a group of its own, which Ctrl-C does not reach: it is not left behind, whatever happens here. */
export function endWithThisProcess(child: ChildProcess): void {
  const kill = (): void => void child.kill('SIGKILL');
  process.once('exit', kill);
  child.once('exit', () => process.off('exit', kill));
}
