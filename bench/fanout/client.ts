import { EventEmitter, once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { clientFrame, FrameStream, opcodes } from './frames.js';
import { binaryHeader, joinPacket, type Protocol, saysJoined } from './protocol.js';

/** Every client reads into the same memory: each is done with its chunk before the next one reads. */
const readBuffer = Buffer.allocUnsafeSlow(256 * 1024);

const endOfHead = '\r\n\r\n';

export interface ClientEvents {
  /** A message, as its payload lies in memory that is filled anew after the call. */
  message(bytes: Buffer, from: number, to: number): void;
  fault(what: string): void;
}

/** A client of a few lines, so that thousands of them take less time than the server that is measured. */
export class Client {
  private readonly socket: Socket;
  private readonly frames: FrameStream;
  private readonly before: Buffer;
  private readonly afterLength: number;
  private readonly milestones = new EventEmitter<{ connected: []; joined: [] }>();
  /** What has come of the answer to the upgrade; undefined once all of it has. */
  private head: string | undefined = '';
  private attachment: 'none' | 'announced' = 'none';

  constructor(
    port: number,
    private readonly protocol: Protocol,
    private readonly events: ClientEvents,
  ) {
    const [before, after] = protocol.around;
    this.before = Buffer.from(before);
    this.afterLength = after.length;
    this.frames = new FrameStream((...frame) => this.read(...frame));
    const onread = { buffer: readBuffer, callback: (length: number) => this.take(length) };
    this.socket = connect({ host: '127.0.0.1', port, onread, noDelay: true });
    this.socket.once('connect', () => this.socket.write(upgradeRequest(protocol.path, port)));
    this.socket.on('error', ({ message }) => events.fault(`failed: ${message}`));
    this.socket.once('close', () => events.fault('was disconnected'));
  }

  /** Resolves once it gets messages. */
  async ready(): Promise<void> {
    await once(this.milestones, 'connected');
  }

  /** Resolves once the server has acknowledged it. */
  async join(rooms: readonly string[]): Promise<void> {
    this.say(joinPacket(rooms));
    await once(this.milestones, 'joined');
  }

  private take(length: number): boolean {
    try {
      if (this.head === undefined) this.frames.push(readBuffer, length);
      else this.readHead(this.head + readBuffer.toString('latin1', 0, length));
    } catch (error) {
      this.events.fault(`cannot read what it got: ${(error as Error).message}`);
      this.socket.destroy();
    }
    return true;
  }

  private readHead(text: string): void {
    const end = text.indexOf(endOfHead);
    this.head = end === -1 ? text : undefined;
    if (end === -1) return;
    if (!text.startsWith('HTTP/1.1 101 ')) throw new Error(text.slice(0, text.indexOf('\r\n')));
    if (this.protocol.hello !== undefined) this.say(this.protocol.hello);
    const rest = Buffer.from(text.slice(end + endOfHead.length), 'latin1');
    this.frames.push(rest, rest.length);
  }

  private read(opcode: number, bytes: Buffer, from: number, to: number): void {
    if (this.attachment === 'announced') {
      if (opcode !== opcodes.binary) throw new Error('an attachment was due');
      this.attachment = 'none';
      this.events.message(bytes, from, to);
    } else if (opcode === opcodes.text && startsWith(bytes, from, to, this.before)) {
      this.events.message(bytes, from + this.before.length, to - this.afterLength);
    } else if (opcode === opcodes.text) {
      this.readOther(bytes.toString('utf8', from, to));
    } else if (opcode === opcodes.close) {
      this.socket.destroy();
    } else {
      throw new Error(`a frame of type ${opcode}`);
    }
  }

  private readOther(text: string): void {
    const answer = this.protocol.answer(text);
    if (answer !== undefined) this.say(answer);
    else if (text === binaryHeader) this.attachment = 'announced';
    else if (this.protocol.connects(text)) this.milestones.emit('connected');
    else if (saysJoined(text)) this.milestones.emit('joined');
    else throw new Error(text.slice(0, 100));
  }

  private say(text: string): void {
    this.socket.write(clientFrame(text));
  }
}

function startsWith(bytes: Buffer, from: number, to: number, start: Buffer): boolean {
  if (to - from < start.length) return false;
  for (let at = 0; at < start.length; at++) if (bytes[from + at] !== start[at]) return false;
  return true;
}

function upgradeRequest(path: string, port: number): string {
  const key = Buffer.alloc(16).toString('base64');
  return [
    `GET ${path} HTTP/1.1`,
    `Host: 127.0.0.1:${port}`,
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    `Sec-WebSocket-Key: ${key}`,
    '\r\n',
  ].join('\r\n');
}
