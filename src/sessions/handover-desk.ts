import { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { type IpcEnd, IpcTopic } from '../ipc.js';
import { applyFacts, type ConnectionFacts } from './client-facts.js';
import { HandoverLine } from './handover-line.js';
import { type HandedUpgrade, type HandoverMessage, handoverTopic } from './handover.protocol.js';

/** Called with an upgrade that another worker has handed over, and with the number of the server it came to there. */
export type OnUpgrade = (server: number, request: IncomingMessage, connection: Socket, head: Buffer) => void;

/** A worker's end of handing connections over. */
export class HandoverDesk {
  private readonly topic: IpcTopic<HandoverMessage, HandoverMessage>;
  private readonly line: HandoverLine;

  constructor(primary: IpcEnd, onUpgrade: OnUpgrade) {
    this.topic = new IpcTopic(primary, handoverTopic);
    this.line = new HandoverLine(this.topic);
    this.topic.listen((message, connection) => {
      if (message.type === 'taken') return this.line.taken();
      this.topic.send({ type: 'taken' });
      if (connection) onUpgrade(message.server, requestOf(message, connection), connection, Buffer.from(message.head));
    });
  }

  handOver(
    { method = 'GET', url = '/', httpVersion, headers, rawHeaders }: IncomingMessage,
    connection: Socket,
    head: Buffer,
    to: { readonly fork: number; readonly server: number; readonly client: ConnectionFacts | undefined },
  ): void {
    this.line.put({ type: 'upgrade', method, url, httpVersion, headers, rawHeaders, head, ...to }, connection);
  }
}

function requestOf(upgrade: HandedUpgrade, connection: Socket): IncomingMessage {
  if (upgrade.client) applyFacts(upgrade.client, connection);
  const request = new IncomingMessage(connection);
  const { method, url, httpVersion, headers, rawHeaders } = upgrade;
  const [httpVersionMajor = 1, httpVersionMinor = 1] = httpVersion.split('.').map(Number);
  return Object.assign(request, {
    method,
    url,
    httpVersion,
    httpVersionMajor,
    httpVersionMinor,
    headers,
    rawHeaders: [...rawHeaders],
  });
}
