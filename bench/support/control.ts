import { once } from 'node:events';
import { connect } from 'node:net';
import { createInterface } from 'node:readline';
import type { ControlAnswer, ControlRequest } from '../../src/cluster/control.protocol.js';
import type { ClusterStatus } from '../../src/cluster/status.js';

/** Asks a running cluster over its control socket. */
export async function ask(path: string, request: ControlRequest): Promise<unknown> {
  const connection = connect(path);
  await once(connection, 'connect');
  connection.write(`${JSON.stringify(request)}\n`);
  try {
    for await (const line of createInterface({ input: connection })) {
      const answer = JSON.parse(line) as ControlAnswer;
      if (!answer.ok) throw new Error(answer.error.message);
      return answer.result;
    }
  } finally {
    connection.destroy();
  }
  throw new Error(`The cluster closed ${path} without an answer.`);
}

export async function statusOf(path: string): Promise<ClusterStatus> {
  return (await ask(path, { command: 'status' })) as ClusterStatus;
}
