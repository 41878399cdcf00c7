import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { onTestFinished } from 'vitest';
import type { ControlAnswer } from '../../src/cluster/control.protocol.js';

/** An operator's end of a control socket. It ends with the test. */
export interface ControlClient {
  readonly connection: Socket;
  /** Sends text as it is. */
  say(text: string): void;
  /** The next answer; rejects when there will be none any more. */
  answer(): Promise<ControlAnswer>;
}

export async function connectToControl(path: string): Promise<ControlClient> {
  const connection = connect({ path, allowHalfOpen: true });
  connection.on('error', () => {
    // The other end may have closed the connection with words of ours unread.
  });
  onTestFinished(() => void connection.destroy());
  await once(connection, 'connect');
  const lines = createInterface({ input: connection })[Symbol.asyncIterator]();
  return {
    connection,
    say: (text) => void connection.write(text),
    answer: async () => {
      const { value, done } = await lines.next();
      if (done) throw new Error('The connection has ended without an answer.');
      return JSON.parse(value) as ControlAnswer;
    },
  };
}
