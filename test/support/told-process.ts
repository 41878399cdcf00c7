import { fork } from 'node:child_process';
import { once } from 'node:events';
import { onTestFinished } from 'vitest';

/** A program in a process of its own, whose memory holds nothing of the test. It ends with the test. */
export interface ToldProcess<Command> {
  /** The first thing that it has said. */
  readonly said: unknown;
  /** Tells it something, and resolves with what it answers. One at a time. */
  tell: (command: Command) => Promise<unknown>;
}

/** Starts a fixture that answers each message with one, and says something first. Its memory can be measured. */
export async function startTold<Command extends object>(
  fixture: string,
  settings: unknown,
): Promise<ToldProcess<Command>> {
  const program = fork(`dist/test/fixtures/${fixture}`, [JSON.stringify(settings)], {
    execArgv: ['--expose-gc', '--max-old-space-size=4096'],
  });
  const exited = once(program, 'exit').then(([code, signal]) => {
    throw new Error(`The server has ended (${code ?? signal}).`);
  });
  exited.catch(() => {});
  onTestFinished(async () => {
    program.kill('SIGKILL');
    await exited.catch(() => {});
  });
  const answer = async (): Promise<unknown> => {
    const [message] = (await Promise.race([once(program, 'message'), exited])) as [unknown];
    return message;
  };
  return {
    said: await answer(),
    tell: (command) => {
      program.send(command);
      return answer();
    },
  };
}
