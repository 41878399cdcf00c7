import { connect, type Socket } from 'node:net';

/** The frames that a client sends are masked; with a mask of zeros the payload stays as it is. */
const mask = [0, 0, 0, 0];

/** Types of Engine.IO's packets, and of Socket.IO's within its messages. */
const [open, ping, connected] = ['0', '2', '40'];

const request = [
  'GET /socket.io/?EIO=4&transport=websocket HTTP/1.1',
  'Host: 127.0.0.1',
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
  '\r\n',
].join('\r\n');

/**
 * A client that connects to the default namespace and then says nothing but what keeps it connected. It costs its own
 * process a TCP connection and little more, so that there can be thousands.
 */
export class IdleClient {
  private readonly socket: Socket;
  private received: Buffer = Buffer.alloc(0);
  private isUpgraded = false;

  private constructor(
    port: number,
    private readonly settle: { resolve(client: IdleClient): void; reject(error: Error): void },
  ) {
    this.socket = connect(port, '127.0.0.1', () => this.socket.write(request));
    this.socket.on('data', (chunk) => this.take(chunk));
    this.socket.on('error', (error) => settle.reject(error));
    this.socket.on('close', () => settle.reject(new Error('The server closed the connection of an idle client.')));
  }

  /** Resolves once the namespace has taken the client in. */
  static connect(port: number): Promise<IdleClient> {
    return new Promise((resolve, reject) => new IdleClient(port, { resolve, reject }));
  }

  get isOpen(): boolean {
    return !this.socket.destroyed;
  }

  disconnect(): void {
    this.socket.destroy();
  }

  private take(chunk: Buffer): void {
    this.received = this.received.length === 0 ? chunk : Buffer.concat([this.received, chunk]);
    if (!this.isUpgraded) {
      const end = this.received.indexOf('\r\n\r\n');
      if (end === -1) return;
      this.isUpgraded = true;
      this.received = this.received.subarray(end + 4);
    }
    for (;;) {
      const length = this.received[1];
      // What is sent to an idle client is short: its length stands in the second byte.
      if (length === undefined || this.received.length < 2 + length) return;
      const text = this.received.toString('latin1', 2, 2 + length);
      this.received = this.received.subarray(2 + length);
      this.answer(text);
    }
  }

  private answer(packet: string): void {
    if (packet.startsWith(open)) this.say(connected);
    else if (packet === ping) this.say('3');
    else if (packet.startsWith(connected)) this.settle.resolve(this);
  }

  private say(text: string): void {
    this.socket.write(Buffer.concat([Buffer.from([0x81, 0x80 | text.length, ...mask]), Buffer.from(text)]));
  }
}
