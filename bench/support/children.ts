import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';

/** Starts a compiled file of a bench, on one core where one is named. */
export function start(
  file: string,
  args: readonly string[] = [],
  { core, nodeArgs = [] }: { readonly core?: string | undefined; readonly nodeArgs?: readonly string[] } = {},
): ChildProcess {
  const node = [...process.execArgv, ...nodeArgs];
  if (core === undefined) return fork(file, args, { execArgv: node });
  return fork(file, args, { execPath: 'taskset', execArgv: ['-c', core, process.execPath, ...node] });
}

/**
 * The next message of a type that a process sends.
 *
 * @throws Error when the process ends before, or tells of a `fault`.
 */
export function news<News>(child: ChildProcess, type: string): Promise<News> {
  return new Promise((resolve, reject) => {
    const settle = (act: () => void): void => {
      child.off('message', onMessage).off('exit', onExit);
      act();
    };
    const onMessage = (message: { readonly type: string; readonly what?: string }): void => {
      if (message.type === type) settle(() => resolve(message as News));
      else if (message.type === 'fault') settle(() => reject(new Error(message.what)));
    };
    const onExit = (): void => {
      settle(() => reject(new Error(`A process of the bench ended: ${child.signalCode ?? child.exitCode}.`)));
    };
    child.on('message', onMessage).on('exit', onExit);
    if (hasEnded(child)) onExit();
  });
}

export async function end(child: ChildProcess, signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
  if (hasEnded(child)) return;
  const exited = once(child, 'exit');
  child.kill(signal);
  await exited;
}

function hasEnded({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode !== null || signalCode !== null;
}
