import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';

const upgrade = [
  'GET /socket.io/?EIO=4&transport=websocket HTTP/1.1',
  'Host: localhost',
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: cmF3IGNsaWVudCAxMjM0NQ==',
];

/**
 * A client of Socket.IO that reads when it is told to, and knows each read: for what a client library would hide. It
 * answers no ping, and ends with the test.
 */
export class RawClient {
  /** The size of each read from the connection, in bytes. */
  readonly reads: number[] = [];
  /** The payload of each frame, text or binary, in the order in which they came. */
  readonly frames: (string | Buffer)[] = [];
  id = '';
  private chunks: Buffer[] = [];
  /** How many bytes have to be there before there can be a further frame. */
  private awaited = 0;

  private constructor(readonly socket: Socket) {}

  /** The request that opens a WebSocket. */
  static readonly upgrade = `${upgrade.join('\r\n')}\r\n\r\n`;

  static frame(text: string): Buffer {
    const payload = Buffer.from(text);
    // A client masks what it sends; a mask of zeros leaves it readable.
    return Buffer.concat([Buffer.from([0x81, 0x80 | payload.length, 0, 0, 0, 0]), payload]);
  }

  /** Resolves once the server has confirmed the connection to the default namespace. */
  static async connect(url: string): Promise<RawClient> {
    const { hostname, port } = new URL(url);
    const socket = connect(Number(port), hostname);
    onTestFinished(() => void socket.destroy());
    await once(socket, 'connect');
    const client = new RawClient(socket);
    // A connection that is cut on purpose is no fault of the test.
    socket.on('error', () => {});
    socket.write(RawClient.upgrade);
    await client.switchProtocol();
    socket.on('data', (chunk: Buffer) => client.read(chunk));
    client.send('40');
    const confirmation = await client.until('40');
    client.id = (JSON.parse(confirmation.slice(2)) as { sid: string }).sid;
    return client;
  }

  /** Resolves once the server has confirmed the connection to a further namespace. */
  async join(namespace: string): Promise<string> {
    this.send(`40${namespace},`);
    const confirmation = await this.until(`40${namespace},`);
    return (JSON.parse(confirmation.slice(`40${namespace},`.length)) as { sid: string }).sid;
  }

  /** A short text, in one frame. */
  send(text: string): void {
    this.socket.write(RawClient.frame(text));
  }

  pause(): void {
    this.socket.pause();
  }

  resume(): void {
    this.socket.resume();
  }

  /** The text frames that are events of the default namespace, each as its name and arguments. */
  get events(): unknown[][] {
    return this.frames
      .filter((frame) => typeof frame === 'string')
      .filter((text) => text.startsWith('42['))
      .map((text) => JSON.parse(text.slice(2)) as unknown[]);
  }

  get bytes(): number {
    return this.reads.reduce((sum, size) => sum + size, 0);
  }

  /** Resolves once the client has got an event of that name. */
  async heard(event: string): Promise<void> {
    await this.until(`42["${event}"`);
  }

  /** Resolves with the first text frame that begins so. */
  async until(start: string): Promise<string> {
    for (let index = 0; ; index++) {
      while (index === this.frames.length) await once(this.socket, 'data');
      const frame = this.frames[index]!;
      if (typeof frame === 'string' && frame.startsWith(start)) return frame;
    }
  }

  private async switchProtocol(): Promise<void> {
    let head = Buffer.alloc(0);
    while (!head.includes('\r\n\r\n')) {
      const [chunk] = (await once(this.socket, 'data')) as [Buffer];
      head = Buffer.concat([head, chunk]);
    }
    if (!head.includes(' 101 ')) throw new Error(`The server does not switch to WebSocket: ${head.toString()}`);
    this.read(head.subarray(head.indexOf('\r\n\r\n') + 4));
  }

  private read(chunk: Buffer): void {
    this.reads.push(chunk.length);
    this.chunks.push(chunk);
    this.awaited -= chunk.length;
    // Joining them for each chunk of a large frame would take longer than reading it.
    if (this.awaited > 0) return;
    let buffer = Buffer.concat(this.chunks);
    let frame = frameIn(buffer);
    for (; frame && frame.end <= buffer.length; frame = frameIn(buffer)) {
      const payload = buffer.subarray(frame.start, frame.end);
      if (frame.opcode === 1) this.frames.push(payload.toString());
      if (frame.opcode === 2) this.frames.push(Buffer.from(payload));
      buffer = buffer.subarray(frame.end);
    }
    this.chunks = [buffer];
    this.awaited = (frame?.end ?? 0) - buffer.length;
  }
}

/** Where the first frame of a server has its payload, of which a part may not have come; undefined before its head. */
function frameIn(
  buffer: Buffer,
): { readonly opcode: number; readonly start: number; readonly end: number } | undefined {
  if (buffer.length < 2) return undefined;
  const opcode = buffer[0]! & 0x0f;
  const short = buffer[1]! & 0x7f;
  const start = short < 126 ? 2 : short === 126 ? 4 : 10;
  if (buffer.length < start) return undefined;
  const length = short < 126 ? short : short === 126 ? buffer.readUInt16BE(2) : Number(buffer.readBigUInt64BE(2));
  return { opcode, start, end: start + length };
}
