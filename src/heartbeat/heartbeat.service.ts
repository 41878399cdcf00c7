import { Inject, Injectable, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { Carrier } from '../carrier.js';
import { FleetClock } from '../fleet-clock.js';
import { FleetSchedule } from '../fleet-schedule.js';
import { Leadership } from '../leadership.js';
import { newerTerm, type Term } from '../term.js';
import { type Beat, beatChannel, readBeat, toMessage } from './beat.js';
import { BeatEmitter } from './beat-emitter.js';
import { BeatRelay } from './beat-relay.js';
import { beatsDue } from './beats-due.js';
import { HEARTBEAT_OPTIONS, type ResolvedHeartbeatOptions } from './heartbeat.options.js';

/**
 * Tells every client of every worker that the fleet lives.
 *
 * Belongs in the primary. The leader publishes with the emitter, and past it to its own workers; any other primary passes
 * on which beats it hears of, and where it hears of none it gives the beat to its own workers itself, an interval late.
 * The workers let each beat pass once.
 */
@Injectable()
export class HeartbeatService implements OnModuleInit, OnApplicationShutdown {
  private readonly channel: string;
  private readonly unlisten: () => void;
  /** The last beat that this host's workers have got; undefined before the first tick. */
  private given: number | undefined;

  constructor(
    @Inject(HEARTBEAT_OPTIONS) private readonly options: ResolvedHeartbeatOptions,
    @Inject(FleetSchedule) private readonly schedule: FleetSchedule,
    @Inject(FleetClock) private readonly clock: FleetClock,
    @Inject(Leadership) private readonly leadership: Leadership,
    @Inject(Carrier) private readonly carrier: Carrier,
    @Inject(BeatEmitter) private readonly emitter: BeatEmitter,
    @Inject(BeatRelay) private readonly relay: BeatRelay,
  ) {
    this.channel = beatChannel(options.key, options.intervalMs);
    this.unlisten = carrier.onMessage((channel, message) => {
      const beat = channel === this.channel ? readBeat(message) : undefined;
      if (beat) this.hear(beat);
    });
  }

  onModuleInit(): void {
    void this.carrier.subscribe([this.channel]);
    this.schedule.pulse('heartbeat', this.options.intervalMs, {
      lead: (sequence, term) => this.beat(sequence, term),
      follow: (sequence) => this.beat(sequence, undefined),
    });
  }

  onApplicationShutdown(): void {
    this.unlisten();
    this.carrier.unsubscribe([this.channel]);
  }

  private beat(sequence: number, led: Term | undefined): void {
    this.leadership.observe(newerTerm(this.relay.newestTerm, this.leadership.newestTerm));
    for (const due of beatsDue(sequence, this.given ?? sequence - 1, led !== undefined)) {
      const beat: Beat = { term: led ?? this.leadership.newestTerm, sequence: due, sentAt: Date.now() };
      this.relay.send(beat);
      if (led && this.carrier.health.state === 'connected') this.publish(beat);
      this.given = due;
    }
    this.given ??= sequence - 1;
  }

  private publish(beat: Beat): void {
    this.emitter.emit(beat);
    this.carrier.publish(this.channel, toMessage(beat));
  }

  private hear(beat: Beat): void {
    if (!this.clock.reach(beat.sequence * this.options.intervalMs)) return;
    this.leadership.observe(beat.term);
    // Its own comes back to the leader as well.
    if (beat.sequence <= (this.given ?? -1)) return;
    this.given = beat.sequence;
    this.relay.send(beat);
  }
}
