import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';

/** One connection, which says itself what goes over it. It ends with the test. */
export class HttpConnection {
  /** Whether the server has ended it. */
  ended = false;
  private received = '';

  private constructor(private readonly socket: Socket) {
    socket.setEncoding('utf8');
    socket.on('data', (chunk: string) => void (this.received += chunk));
    socket.on('close', () => (this.ended = true));
    socket.on('error', () => {});
  }

  static async open(url: string): Promise<HttpConnection> {
    const { hostname, port } = new URL(url);
    const socket = connect(Number(port), hostname);
    onTestFinished(() => void socket.destroy());
    await once(socket, 'connect');
    return new HttpConnection(socket);
  }

  /** Resolves with the head and the body of the answer, as they came. */
  async get(path: string, headers: readonly string[] = []): Promise<string> {
    this.received = '';
    this.socket.write(`${[`GET ${path} HTTP/1.1`, 'Host: localhost', ...headers].join('\r\n')}\r\n\r\n`);
    while (!isComplete(this.received) && !this.ended) {
      await Promise.race([once(this.socket, 'data'), once(this.socket, 'close')]);
    }
    return this.received;
  }

  /** Becomes a client of Engine.IO that listens to nobody: it never answers a ping or the end of its connection. */
  async becomeStuckClient(): Promise<void> {
    const upgrade = ['Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13'];
    await this.get('/socket.io/?EIO=4&transport=websocket', [
      ...upgrade,
      'Sec-WebSocket-Key: c3R1Y2sgY2xpZW50IDEyMw==',
    ]);
  }
}

function isComplete(answer: string): boolean {
  const [head, body] = answer.split('\r\n\r\n', 2);
  if (body === undefined) return false;
  const length = /content-length: (\d+)/i.exec(head!)?.[1];
  return length === undefined || Buffer.byteLength(body) >= Number(length);
}
