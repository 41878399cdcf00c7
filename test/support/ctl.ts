import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import type { ClusterStatus } from '../../src/cluster/status.js';

export interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `ctl` as an operator does. */
export async function runCtl(controlSocket: string, args: readonly string[]): Promise<Finished> {
  const env = { ...process.env, CONTROL_SOCKET: controlSocket, NO_COLOR: '1' };
  const ctl = spawn(process.execPath, ['dist/src/ctl.js', ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  const [stdout, stderr, [code]] = await Promise.all([text(ctl.stdout), text(ctl.stderr), once(ctl, 'close')]);
  return { code: code as number | null, stdout, stderr };
}

/** As `ctl status --json`, without a process for each look. */
export async function statusOf(controlSocket: string): Promise<ClusterStatus> {
  const connection = connect(controlSocket);
  await once(connection, 'connect');
  // A program that ends meanwhile resets it: then there is no line.
  connection.on('error', () => connection.destroy());
  connection.write('{"command":"status"}\n');
  const [line] = (await once(createInterface({ input: connection }), 'line')) as [string];
  connection.destroy();
  const answer = JSON.parse(line) as { ok: boolean; result: ClusterStatus };
  if (!answer.ok) throw new Error(`status was refused: ${JSON.stringify(answer)}`);
  return answer.result;
}
