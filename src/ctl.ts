import { once } from 'node:events';
import { connect } from 'node:net';
import { createInterface } from 'node:readline';
import { Command, CommanderError, InvalidArgumentError } from 'commander';
import { defaultControlSocket } from './cluster/control-path.js';
import type { ControlAnswer, ControlRequest } from './cluster/control.protocol.js';
import type { ClusterStatus } from './cluster/status.js';
import { readConfig } from './config.js';
import { ClusterIoError } from './errors.js';
import type { JobRun, JobStatus, LeaderStatus, ReleasedLease } from './fleet-status.js';

const exitCodes = { refused: 1, usage: 2 } as const;

/** How often the progress of a long command is looked at. */
const progressMs = 500;

/** No cluster answers on the control socket. */
class NoClusterError extends ClusterIoError {
  readonly code = 'NO_CLUSTER';

  constructor(path: string) {
    super(
      `No cluster answers on the control socket ${path}: start one, or name its socket with CONTROL_SOCKET ` +
        '(or its port with PORT).',
    );
  }
}

function commands(): Command {
  const ctl = new Command('ctl')
    .description('Talks to a running cluster over its control socket.')
    .option('--json', 'print the answer as JSON')
    .exitOverride()
    .configureOutput({ outputError: (text, write) => write(text.replace(/^error: /, '')) })
    .helpCommand(true);
  const command = (nameAndArguments: string, description: string): Command =>
    ctl.command(nameAndArguments).description(description).exitOverride().option('--json', 'print the answer as JSON');

  command('status', 'who serves, since when, and how many clients').action(() => run({ command: 'status' }));
  command('scale', 'keep this many workers')
    .argument('<workers>', 'a whole number from 1 to 1024', wholeNumber(1024))
    .action((workers: number) => run({ command: 'scale', workers }));
  command('reload', 'replace all workers: the new ones become ready first').action(() => run({ command: 'reload' }));
  command('restart', 'replace the worker of a slot')
    .argument('<slot>', 'a slot, from 1', wholeNumber(1_000_000))
    .action((slot: number) => run({ command: 'restart', slot }));
  command('drain', 'let the clients of a slot’s worker go, spread over time')
    .argument('<slot>', 'a slot, from 1', wholeNumber(1_000_000))
    .action((slot: number) => run({ command: 'drain', slot }));
  command('stop', 'end the cluster in good order').action(() => run({ command: 'stop' }));
  command('leader', 'who does what must happen once in the fleet, since when and why').action(() =>
    run({ command: 'leader' }, (result) => describeLeader(result as LeaderStatus)),
  );
  command('jobs', 'what is scheduled in the fleet, and how it went').action(() =>
    run({ command: 'jobs' }, (result) => describeJobs(result as readonly JobStatus[])),
  );
  const group = (name: string, description: string): Command =>
    ctl.command(name).description(description).exitOverride();
  group('job', 'act on one job')
    .command('run')
    .description('run it now, in the leader, and wait for the end of the run')
    .exitOverride()
    .option('--json', 'print the answer as JSON')
    .argument('<name>', 'a job, as `jobs` names it')
    .action((name: string) => run({ command: 'run-job', name }, (result) => describeRun(result as JobRun)));
  group('lease', 'act on the leadership')
    .command('release')
    .description('have the leader give it to another host')
    .exitOverride()
    .option('--json', 'print the answer as JSON')
    .action(() => run({ command: 'release-lease' }, (result) => describeRelease(result as ReleasedLease)));
  command('log-level', 'change what is logged')
    .argument('<level>', 'fatal, error, warn, log, debug or verbose', logLevel)
    .action((level: LogLevel) => run({ command: 'log-level', level }));
  return ctl;
}

async function run(request: ControlRequest, toText: (result: unknown) => string = describe): Promise<void> {
  const json = process.argv.includes('--json');
  const path = controlSocket();
  const progress = json || !process.stderr.isTTY ? undefined : showProgress(path);
  const answer = await ask(path, request).finally(() => progress?.stop());
  if (!answer.ok) throw new CommanderError(exitCodes.refused, answer.error.code, answer.error.message);
  process.stdout.write(json ? `${JSON.stringify(answer.result, null, 2)}\n` : toText(answer.result));
}

type LogLevel = Extract<ControlRequest, { command: 'log-level' }>['level'];

function wholeNumber(max: number) {
  return (value: string): number => {
    const number = Number(value);
    if (/^\d+$/.test(value) && number >= 1 && number <= max) return number;
    throw new InvalidArgumentError(`Expected a whole number from 1 to ${max}.`);
  };
}

function logLevel(value: string): LogLevel {
  const levels: readonly LogLevel[] = ['fatal', 'error', 'warn', 'log', 'debug', 'verbose'];
  const level = levels.find((each) => each === value);
  if (level) return level;
  throw new InvalidArgumentError(`Expected one of ${levels.join(', ')}.`);
}

function controlSocket(): string {
  const config = readConfig();
  return config.controlSocket ?? defaultControlSocket(config.port, config.runtimeFolder);
}

async function ask(path: string, request: ControlRequest): Promise<ControlAnswer> {
  const connection = connect(path);
  try {
    await once(connection, 'connect');
  } catch {
    throw new NoClusterError(path);
  }
  connection.write(`${JSON.stringify(request)}\n`);
  try {
    for await (const line of createInterface({ input: connection })) return JSON.parse(line) as ControlAnswer;
  } finally {
    connection.destroy();
  }
  throw new NoClusterError(path);
}

/** One line on the terminal that says how far a replacement or a drain has come. */
function showProgress(path: string): { stop(): void } {
  const show = async (): Promise<void> => {
    const answer = await ask(path, { command: 'status' });
    if (answer.ok) process.stderr.write(`\r\u001B[K${progressOf(answer.result as ClusterStatus)}`);
  };
  const timer = setInterval(() => void show().catch(() => {}), progressMs);
  const stop = (): void => {
    clearInterval(timer);
    process.stderr.write('\r\u001B[K');
  };
  return { stop };
}

function progressOf({ workers, wanted }: ClusterStatus): string {
  const count = (state: string): number => workers.filter((worker) => worker.state === state).length;
  const leaving = workers.filter(({ state }) => state === 'draining');
  const clients = leaving.reduce((sum, { connections }) => sum + connections, 0);
  return (
    `${count('ready')} of ${wanted} ready, ${count('booting')} booting, ` +
    `${leaving.length} draining with ${clients} clients left`
  );
}

function describe(result: unknown): string {
  if (!isStatus(result)) return 'done\n';
  const { primary, host, port, listen, wanted, workers, degraded, exits, fleet } = result;
  const table = workers.map((worker) => [
    `${worker.slot}`,
    worker.state,
    `${worker.pid}`,
    `${worker.connections}`,
    duration(worker.uptimeMs),
    `${worker.restarts}`,
    worker.rssBytes === undefined ? '' : `${Math.round(worker.rssBytes / 2 ** 20)} MiB`,
    worker.loopDelayP99Ms === undefined ? '' : `${worker.loopDelayP99Ms} ms`,
  ]);
  const ended = Object.entries(exits).filter(([, count]) => count > 0);
  const counted = Object.entries(fleet.counters).filter(([, count]) => count > 0);
  return [
    `primary ${primary.pid} on ${host}, port ${port} (${listen}): ${wanted} workers wanted${degraded ? ', DEGRADED' : ''}`,
    ...columns([['slot', 'state', 'pid', 'clients', 'up', 'restarts', 'memory', 'loop p99'], ...table]),
    ...(ended.length > 0 ? [`ended: ${counts(ended)}`] : []),
    sentenceOn(fleet.leader),
    ...(counted.length > 0 ? [`counted: ${counts(counted)}`] : []),
    '',
  ].join('\n');
}

function counts(entries: readonly (readonly [string, number])[]): string {
  return entries.map(([kind, count]) => `${kind} ${count}`).join(', ');
}

function describeRelease({ released, isFree }: ReleasedLease): string {
  const rest = isFree ? '' : '; the lease server did not answer, so the lease ends by itself within LEASE_MS';
  return `released by ${released}${rest}\n`;
}

function describeLeader(leader: LeaderStatus): string {
  const { steppedDown, knownForMs } = leader;
  return [
    sentenceOn(leader),
    ...(steppedDown === null ? [] : [`this primary last ceased to lead: ${steppedDown}`]),
    ...(knownForMs === null ? [] : [`the lease server said so ${duration(knownForMs)} ago`]),
    '',
  ].join('\n');
}

function sentenceOn({ holder, here, term, ageMs, why }: LeaderStatus): string {
  if (holder === null || ageMs === null) return `leader: none is known (the last term was ${term})`;
  return `leader: ${holder}${here ? ' (this primary)' : ''}, term ${term} for ${duration(ageMs)}, taken over: ${why}`;
}

function describeJobs(jobs: readonly JobStatus[]): string {
  const rows = jobs.map(({ name, schedule, running, last, next, runs, failed, skipped, missed }) => [
    name,
    schedule,
    running ? 'running' : (last?.result ?? ''),
    last ? time(last.due) : '',
    last ? `${last.durationMs} ms` : '',
    next === null ? '' : time(next),
    `${runs}`,
    `${failed}`,
    `${skipped}`,
    `${missed}`,
  ]);
  const head = ['job', 'schedule', 'result', 'last', 'took', 'next', 'runs', 'failed', 'skipped', 'missed'];
  return `${columns([head, ...rows]).join('\n')}\n`;
}

function time(at: number): string {
  return new Date(at).toISOString();
}

function describeRun({ result, durationMs, error, holder }: JobRun): string {
  return `${result} in ${durationMs} ms by ${holder}${error === undefined ? '' : `: ${error}`}\n`;
}

function isStatus(result: unknown): result is ClusterStatus {
  return typeof result === 'object' && result !== null && 'workers' in result;
}

function columns(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column]!))
      .join('  ')
      .trimEnd(),
  );
}

function duration(ms: number): string {
  const seconds = Math.round(ms / 1_000);
  if (seconds < 120) return `${seconds} s`;
  return seconds < 7_200 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3_600)} h`;
}

try {
  await commands().parseAsync();
} catch (error) {
  if (error instanceof CommanderError) {
    const refused = error.exitCode === exitCodes.refused && !error.code.startsWith('commander.');
    if (refused) process.stderr.write(`${error.message}\n`);
    process.exitCode = refused || error.exitCode === 0 ? error.exitCode : exitCodes.usage;
  } else {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = exitCodes.refused;
  }
}
