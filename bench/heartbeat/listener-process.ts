import { connect as connectTcp } from 'node:net';
import { clientFrame, FrameStream } from '../fanout/frames.js';

/** What the bench tells its listeners, and what it hears of them. */
export type ListenerCommand =
  { readonly type: 'connect'; readonly url: string; readonly clients: number } | { readonly type: 'begin' | 'end' };
export type ListenerNews =
  | { readonly type: 'connected' }
  | { readonly type: 'begun' }
  | { readonly type: 'ended'; readonly latencies: readonly number[]; readonly others: number };

const atATime = 50;
const beatStart = Buffer.from('42["heartbeat",');
const [four, two] = [0x34, 0x32];
const endOfHead = '\r\n\r\n';

/** Every client reads into the same memory: each is done with its chunk before the next one reads. */
const readBuffer = Buffer.allocUnsafeSlow(256 * 1024);

let latencies: number[] = [];
let others = 0;

process.on('message', (command: ListenerCommand) => {
  if (command.type === 'connect') {
    void connectAll(command.url, command.clients).then(() => tell({ type: 'connected' }));
    return;
  }
  if (command.type === 'end') tell({ type: 'ended', latencies, others });
  latencies = [];
  others = 0;
  if (command.type === 'begin') tell({ type: 'begun' });
});
process.on('disconnect', () => process.exit());

async function connectAll(url: string, clients: number): Promise<void> {
  for (let connected = 0; connected < clients; connected += atATime) {
    await Promise.all(Array.from({ length: Math.min(atATime, clients - connected) }, () => connect(url)));
  }
}

/** A client of a few lines, so that a thousand of them take less time than the servers that are measured. */
function connect(url: string): Promise<void> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    let head: string | undefined = '';
    const listener = new Listener((text) => socket.write(clientFrame(text)), resolve);
    const onread = { buffer: readBuffer, callback: (length: number) => take(length) };
    const socket = connectTcp({ host: hostname, port: Number(port), onread, noDelay: true });
    socket.on('error', reject);
    socket.once('connect', () => socket.write(upgradeRequest(hostname)));
    const take = (length: number): boolean => {
      if (head === undefined) listener.frames.push(readBuffer, length);
      else {
        head += readBuffer.toString('latin1', 0, length);
        const end = head.indexOf(endOfHead);
        if (end < 0) return true;
        const rest = Buffer.from(head.slice(end + endOfHead.length), 'latin1');
        head = undefined;
        listener.frames.push(rest, rest.length);
      }
      return true;
    };
  });
}

class Listener {
  readonly frames = new FrameStream((_opcode, bytes, from, to) => this.read(bytes, from, to));
  private last = 0;

  constructor(
    private readonly say: (text: string) => void,
    private readonly onConnected: () => void,
  ) {}

  private read(bytes: Buffer, from: number, to: number): void {
    if (bytes.compare(beatStart, 0, beatStart.length, from, Math.min(to, from + beatStart.length)) === 0) {
      this.note(bytes.toString('latin1', from + beatStart.length, to - 1));
    } else if (bytes[from] === four && bytes[from + 1] === two) others++;
    else this.greet(bytes.toString('latin1', from, to));
  }

  private note(beat: string): void {
    const { sequence, sentAt } = JSON.parse(beat) as { sequence: number; sentAt: number };
    latencies.push(performance.timeOrigin + performance.now() - sentAt);
    if (this.last !== 0 && sequence !== this.last + 1) throw new Error(`After the beat ${this.last} came ${sequence}.`);
    this.last = sequence;
  }

  private greet(text: string): void {
    if (text === '2') this.say('3');
    else if (text.startsWith('0')) this.say('40');
    else if (text.startsWith('40')) this.onConnected();
  }
}

function upgradeRequest(host: string): string {
  return [
    'GET /socket.io/?EIO=4&transport=websocket HTTP/1.1',
    `Host: ${host}`,
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    `Sec-WebSocket-Key: ${Buffer.alloc(16).toString('base64')}`,
    '\r\n',
  ].join('\r\n');
}

function tell(news: ListenerNews): void {
  process.send!(news);
}
