import { EventEmitter, once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';

/** A sentinel that says when the test tells it to who is the primary, and what it has heard of. */
export class FakeSentinel {
  private readonly events = new EventEmitter<{ asked: []; listener: [Socket] }>();
  private answer: (() => void)[] | undefined;

  private constructor(
    readonly port: number,
    private readonly primaryPort: number,
  ) {}

  static async start(primaryPort: number): Promise<FakeSentinel> {
    const connections = new Set<Socket>();
    const server = createServer((connection) => {
      connections.add(connection);
      connection
        .on('error', () => {})
        .on('data', (bytes) => {
          for (const command of bytes.toString().split(/(?=\*\d+\r\n\$)/)) sentinel.take(connection, command);
        });
    }).listen(0, '127.0.0.1');
    onTestFinished(() => {
      server.close();
      for (const connection of connections) connection.destroy();
    });
    await once(server, 'listening');
    const sentinel = new FakeSentinel((server.address() as AddressInfo).port, primaryPort);
    return sentinel;
  }

  /** Resolves with who next wants to hear of failovers. */
  async listener(): Promise<Socket> {
    const [connection] = (await once(this.events, 'listener')) as [Socket];
    return connection;
  }

  /** From now on, whoever asks for the primary waits. Resolves once somebody does. */
  async hold(): Promise<void> {
    this.answer = [];
    await once(this.events, 'asked');
  }

  release(): void {
    const { answer = [] } = this;
    this.answer = undefined;
    for (const say of answer) say();
  }

  /** Tells of a failover, and resolves once the listener has gone because of it. */
  async tell(listener: Socket): Promise<void> {
    const gone = once(listener, 'close');
    listener.write(list('message', '+switch-master', `fleet 127.0.0.1 1 127.0.0.1 ${this.primaryPort}`));
    await gone;
  }

  private take(connection: Socket, command: string): void {
    const say = (reply: string): void => void (connection.destroyed || connection.write(reply));
    if (/get-master-addr-by-name/i.test(command)) {
      const answer = (): void => say(list('127.0.0.1', `${this.primaryPort}`));
      if (this.answer) this.answer.push(answer);
      else answer();
      this.events.emit('asked');
    } else if (/\r\nsubscribe\r\n/i.test(command)) {
      say(`*3\r\n${text('subscribe')}${text('+switch-master')}:1\r\n`);
      this.events.emit('listener', connection);
    } else if (/sentinels/i.test(command)) {
      say('*0\r\n');
    } else if (/\r\nhello\r\n/i.test(command)) {
      say('-NOPROTO it speaks version 2\r\n');
    } else if (command !== '') {
      say('+OK\r\n');
    }
  }
}

function list(...items: string[]): string {
  return `*${items.length}\r\n${items.map(text).join('')}`;
}

function text(item: string): string {
  return `$${Buffer.byteLength(item)}\r\n${item}\r\n`;
}
