import { Inject, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { SchedulerRegistry } from '@nestjs/schedule';
import { Emitter } from '@socket.io/redis-emitter';
import type { ServerEvents } from '../events.js';
import { HEARTBEAT_OPTIONS, type ResolvedHeartbeatOptions } from './heartbeat.options.js';

/**
 * Tells every client of every worker that the cluster lives.
 *
 * Belongs in the primary: in a worker it would beat once per worker.
 */
@Injectable()
export class HeartbeatService implements OnApplicationBootstrap {
  private sequence: number;

  constructor(
    @Inject(HEARTBEAT_OPTIONS) private readonly options: ResolvedHeartbeatOptions,
    @Inject(Emitter) private readonly emitter: Pick<Emitter<ServerEvents>, 'emit'>,
    @Inject(SchedulerRegistry) private readonly schedule: SchedulerRegistry,
  ) {
    // Counted from the clock, so that clients who come back after a restart see no smaller number.
    this.sequence = Math.floor(Date.now() / options.intervalMs);
  }

  onApplicationBootstrap(): void {
    // Registered, so that the scheduler clears it when the application closes.
    this.schedule.addInterval(
      'heartbeat',
      setInterval(() => this.beat(), this.options.intervalMs),
    );
  }

  beat(): void {
    this.emitter.emit('heartbeat', { sequence: ++this.sequence, sentAt: Date.now() });
  }
}
