import path from 'node:path';
import { onTestFinished } from 'vitest';
import type { Socket } from 'socket.io-client';
import type { ClusterStatus } from '../../src/cluster/status.js';
import { openUntyped } from './clients.js';
import { type Finished, runCtl, statusOf } from './ctl.js';
import { eventually } from './eventually.js';
import { isAlive, type ProgramOptions, type RunningProgram, startProgram } from './start-program.js';
import { temporaryFolder } from './temporary-folder.js';

/** The program with a gateway that makes every kind of trouble. */
export const troubleEntry = 'dist/test/fixtures/trouble.cluster.js';

export interface SupervisedProgram extends RunningProgram {
  readonly controlSocket: string;
  /** Runs `ctl` for this program as an operator does. */
  ctl(...args: string[]): Promise<Finished>;
  status(): Promise<ClusterStatus>;
  /** Resolves with the first status that holds. */
  until(holds: (status: ClusterStatus) => boolean): Promise<ClusterStatus>;
  /** A client of the trouble gateway, on that slot if one is given. */
  connectTo(slot?: number): Promise<TroubleClient>;
}

export interface TroubleClient {
  readonly client: Socket;
  readonly slot: number;
  readonly pid: number;
}

/** {@link startProgram} with a control socket of its own. Of a program that hangs nothing is left behind either. */
export async function startSupervised(options: ProgramOptions = {}): Promise<SupervisedProgram> {
  const controlSocket = options.env?.['CONTROL_SOCKET'] ?? path.join(temporaryFolder(), 'control.sock');
  const env = { ...options.env, CONTROL_SOCKET: controlSocket };
  const program = await startProgram({ entry: troubleEntry, ...options, env });
  const status = (): Promise<ClusterStatus> => statusOf(controlSocket);
  onTestFinished(() => endWithWorkers(program));
  return {
    ...program,
    controlSocket,
    ctl: (...args) => runCtl(controlSocket, args),
    status,
    until: (holds) => eventually(status, holds),
    connectTo: (slot) => connectTo(program.url, slot),
  };
}

export function pidsOf({ workers }: ClusterStatus): number[] {
  return workers.map(({ pid }) => pid);
}

export function isWhole({ workers, wanted }: ClusterStatus): boolean {
  return workers.length === wanted && workers.every(({ state }) => state === 'ready');
}

async function connectTo(url: string, slot?: number): Promise<TroubleClient> {
  for (let attempt = 0; attempt < 40; attempt++) {
    const client = openUntyped(`${url}/trouble`);
    const who = (await client.emitWithAck('whoami')) as { slot: number; pid: number };
    if (slot === undefined || who.slot === slot) return { client, ...who };
    client.disconnect();
  }
  throw new Error(`Worker ${slot} took no client.`);
}

/** A worker that loops does not notice that its primary has gone. */
async function endWithWorkers(program: RunningProgram): Promise<void> {
  const { process: primary, exited } = program;
  const pids = [...(await program.workerPids()).values()];
  if (primary.exitCode === null && primary.signalCode === null) {
    primary.kill('SIGCONT');
    primary.kill('SIGKILL');
  }
  await exited;
  for (const pid of pids.filter(isAlive)) process.kill(pid, 'SIGKILL');
}
