import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';

/** What a process can be told to do; each task takes one argument, or none. */
export type Tasks = Readonly<Record<string, (argument: never) => unknown>>;

interface Order {
  readonly number: number;
  readonly task: string;
  readonly argument: unknown;
}

interface Report {
  readonly number: number;
  readonly result?: unknown;
  readonly error?: string;
}

export interface TaskProcessOptions {
  readonly args?: readonly string[];
  /** For Node itself, as `--expose-gc`. */
  readonly execArgv?: readonly string[];
}

/** A process of its own, which does what it is told and reports each result. */
export class TaskProcess<T extends Tasks> {
  private lastNumber = 0;
  private readonly waiting = new Map<number, PromiseWithResolvers>();
  private readonly exited: Promise<unknown>;

  private constructor(private readonly process: ChildProcess) {
    this.exited = once(process, 'exit');
    process.on('message', (report: Report) => this.settle(report));
    process.on('exit', (code, signal) => this.giveUp(`it ended with ${code ?? signal}`));
  }

  static start<T extends Tasks>(file: string, { args = [], execArgv = [] }: TaskProcessOptions = {}): TaskProcess<T> {
    return new TaskProcess<T>(fork(file, args, { execArgv: [...process.execArgv, ...execArgv] }));
  }

  /** Rejects with what the task threw, or when the process ends before. */
  async run<Name extends keyof T & string>(
    task: Name,
    ...[argument]: Parameters<T[Name]>
  ): Promise<Awaited<ReturnType<T[Name]>>> {
    const number = ++this.lastNumber;
    const result = new Promise<unknown>((resolve, reject) => this.waiting.set(number, { resolve, reject }));
    this.process.send({ number, task, argument } satisfies Order);
    return (await result) as Awaited<ReturnType<T[Name]>>;
  }

  async stop(): Promise<void> {
    this.process.kill('SIGKILL');
    await this.exited;
  }

  private settle({ number, result, error }: Report): void {
    const waiting = this.waiting.get(number);
    this.waiting.delete(number);
    if (error === undefined) waiting?.resolve(result);
    else waiting?.reject(new Error(error));
  }

  private giveUp(why: string): void {
    for (const { reject } of this.waiting.values()) reject(new Error(`A process of the bench has failed: ${why}.`));
    this.waiting.clear();
  }
}

interface PromiseWithResolvers {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** What the file of such a process ends with. */
export function offer(tasks: Tasks): void {
  process.on('message', ({ number, task, argument }: Order) => {
    const report = (outcome: Omit<Report, 'number'>): void => void process.send!({ number, ...outcome });
    const run = async (): Promise<unknown> => tasks[task]!(argument as never);
    run().then(
      (result) => report({ result }),
      (error: unknown) => report({ error: error instanceof Error ? (error.stack ?? error.message) : String(error) }),
    );
  });
  // Whoever started it may have been killed.
  process.on('disconnect', () => process.exit());
}
