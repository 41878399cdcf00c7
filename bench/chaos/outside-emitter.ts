import { Emitter } from '@socket.io/redis-emitter';
import { Redis } from 'ioredis';
import type { ServerEvents } from '../../src/events.js';
import type { Stream } from './history.js';
import type { Ledger } from './ledger.js';
import { writeNumbered } from './numbered.js';

const retryMs = 100;

/** The official emitter in a process that is none of the program's: it reaches clients through Redis alone. */
export class OutsideEmitter {
  private readonly redis: Redis;
  private readonly emitter: Emitter<ServerEvents>;
  private publication: Promise<unknown> = Promise.resolve();

  constructor(
    url: string,
    key: string,
    private readonly ledger: Ledger,
  ) {
    this.redis = new Redis(url, {
      enableOfflineQueue: false,
      maxRetriesPerRequest: 0,
      autoResendUnfulfilledCommands: false,
      retryStrategy: () => retryMs,
    });
    this.redis.on('error', () => {});
    const publish = (channel: string, message: Buffer): void => {
      this.publication = this.redis.publish(channel, message);
    };
    this.emitter = new Emitter<ServerEvents>({ publish }, { key });
  }

  /** Sends the next number of the stream to a room, or to everybody. */
  async say(stream: Stream, room?: string, filling?: string): Promise<void> {
    const { number, message } = this.ledger.send(stream);
    const said = { room: room ?? '', text: writeNumbered(stream.name, number, filling), from: 'outside' };
    if (room === undefined) this.emitter.emit('said', said);
    else this.emitter.to(room).emit('said', said);
    message.fate = await this.publication.then(
      () => 'taken' as const,
      () => 'cut off' as const,
    );
  }

  end(): void {
    this.redis.disconnect();
  }
}
