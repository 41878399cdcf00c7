import { Command, type Redis } from 'ioredis';

const crlf = '\r\n';
const ping = `*1${crlf}$4${crlf}PING${crlf}`;

/** The most that the protocol needs around a channel and a message. */
export const framingBytes = 64;

export type PublishCommand = 'PUBLISH' | 'SPUBLISH';

/** Writes a PUBLISH into `target`, and returns where it ends. */
export function writePublish(
  target: Buffer,
  start: number,
  channel: string,
  message: Buffer,
  command: PublishCommand,
): number {
  const name = `$${command.length}${crlf}${command}${crlf}`;
  const head = `*3${crlf}${name}$${Buffer.byteLength(channel)}${crlf}${channel}${crlf}$${message.length}${crlf}`;
  let end = start + target.write(head, start, 'utf8');
  end += message.copy(target, end);
  return end + target.write(crlf, end, 'latin1');
}

/**
 * Several PUBLISHes in one write.
 *
 * ioredis would make a command, two promises and a write of each. Here one command stands in its queue once for each
 * reply that is to come, and only the first time has it anything to write.
 */
export class PublishBatch extends Command {
  private isSending = false;
  private writes = 0;

  /** @param onSettled is called for each message; with an error where Redis did not take it. */
  constructor(
    private readonly bytes: Buffer,
    private readonly count: number,
    private readonly onSettled: (error?: Error) => void,
  ) {
    super('publish');
    const settle = this.resolve;
    this.resolve = (reply) => {
      if (!this.isSettled) settle(reply);
      // A PUBLISH is answered with a number.
      onSettled(Buffer.isBuffer(reply) ? notSent() : undefined);
    };
    this.reject = (error) => {
      if (!this.isSettled) settle(undefined);
      onSettled(error);
    };
  }

  /** Writes all of it now or, where the connection cannot take it, never. */
  send(redis: Redis): void {
    const afterFirst = {
      isPipeline: true,
      destination: { redis },
      write: (data: string | Buffer) => data.length > 0 && redis.stream.write(data),
    } as const;
    this.isSending = true;
    let sent = 0;
    while (sent === this.writes && sent < this.count) {
      redis.sendCommand(this, sent === 0 ? undefined : afterFirst);
      sent++;
    }
    this.isSending = false;
    for (; sent < this.count; sent++) this.onSettled(notSent());
  }

  override toWritable(): string | Buffer {
    // After a cut ioredis may send again what it has no reply for, and Redis may have carried that already. But whatever
    // is sent again must bring the reply that is waited for.
    if (!this.isSending) return ping;
    this.writes++;
    return this.writes === 1 ? this.bytes : '';
  }
}

function notSent(): Error {
  return new Error('the connection is not there');
}
