import type { Socket } from 'node:net';
import { type IpcEnd, IpcTopic } from '../ipc.js';
import { HandoverLine } from './handover-line.js';
import { type HandedUpgrade, type HandoverMessage, handoverTopic } from './handover.protocol.js';

/** Passes connections on from worker to worker, in the primary: only it has a channel to each. */
export class HandoverRelay {
  private readonly lines = new Map<number, HandoverLine>();

  /** Serves a worker until the returned function is called. */
  attach(fork: number, worker: IpcEnd): () => void {
    const topic = new IpcTopic<HandoverMessage, HandoverMessage>(worker, handoverTopic);
    const line = new HandoverLine(topic);
    this.lines.set(fork, line);
    const unlisten = topic.listen((message, connection) => {
      if (message.type === 'taken') return line.taken();
      topic.send({ type: 'taken' });
      if (connection) this.pass(message, connection);
    });
    return () => {
      unlisten();
      this.lines.delete(fork);
      for (const connection of line.end()) refuse(connection);
    };
  }

  private pass(upgrade: HandedUpgrade, connection: Socket): void {
    const line = this.lines.get(upgrade.fork);
    if (line) return line.put(upgrade, connection);
    connection.on('error', () => {});
    refuse(connection);
  }
}

const unknownSession = 'Session ID unknown';

/** As Socket.IO does where it does not know a session. */
function refuse(connection: Socket): void {
  connection.write(
    'HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Type: text/html\r\n' +
      `Content-Length: ${unknownSession.length}\r\n\r\n${unknownSession}`,
  );
  // It is not read any more, so nobody would see its end.
  connection.destroySoon();
}
