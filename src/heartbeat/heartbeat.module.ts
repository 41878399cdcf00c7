import { type DynamicModule, Module } from '@nestjs/common';
import { BeatEmitter } from './beat-emitter.js';
import { BeatRelay } from './beat-relay.js';
import { HEARTBEAT_OPTIONS, type HeartbeatOptions, resolveHeartbeatOptions } from './heartbeat.options.js';
import { HeartbeatService } from './heartbeat.service.js';

/** Schedules the heartbeat. It needs a `FleetModule` beside it, and a `BeatReceiver` in each worker. */
@Module({ providers: [HeartbeatService, BeatEmitter] })
export class HeartbeatModule {
  /** @param relay reaches the workers of this host */
  static forRoot(options: HeartbeatOptions = {}, relay = new BeatRelay()): DynamicModule {
    return {
      module: HeartbeatModule,
      providers: [
        { provide: HEARTBEAT_OPTIONS, useValue: resolveHeartbeatOptions(options) },
        { provide: BeatRelay, useValue: relay },
      ],
      exports: [BeatRelay],
    };
  }
}
