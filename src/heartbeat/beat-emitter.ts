import { Inject, Injectable } from '@nestjs/common';
import { Emitter } from '@socket.io/redis-emitter';
import type { ServerEvents } from '../events.js';
import { fencedEncoder } from '../fenced-message.js';
import { Publisher } from '../publisher.js';
import { type Beat, fencingOf, toHeartbeat } from './beat.js';
import { HEARTBEAT_OPTIONS, type ResolvedHeartbeatOptions } from './heartbeat.options.js';

/**
 * Publishes beats with the official emitter.
 *
 * Each travels with its term and sequence, which workers of this program check before a client gets it; official
 * servers deliver it as any other message.
 */
@Injectable()
export class BeatEmitter {
  constructor(
    @Inject(Publisher) private readonly publisher: Publisher,
    @Inject(HEARTBEAT_OPTIONS) private readonly options: ResolvedHeartbeatOptions,
  ) {}

  emit(beat: Beat): void {
    const { key, intervalMs } = this.options;
    const parser = fencedEncoder(fencingOf(beat, intervalMs));
    new Emitter<ServerEvents>(this.publisher, { key, parser }).emit('heartbeat', toHeartbeat(beat));
  }
}
