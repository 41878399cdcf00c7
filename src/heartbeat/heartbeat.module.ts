import { type DynamicModule, Module } from '@nestjs/common';
import { ScheduleModule } from '@nestjs/schedule';
import { HEARTBEAT_OPTIONS, type HeartbeatOptions, resolveHeartbeatOptions } from './heartbeat.options.js';
import { HeartbeatService } from './heartbeat.service.js';

/** Schedules the heartbeat. It needs an `EmitterModule` beside it, to publish through. */
@Module({ imports: [ScheduleModule.forRoot()], providers: [HeartbeatService] })
export class HeartbeatModule {
  static forRoot(options: HeartbeatOptions = {}): DynamicModule {
    return {
      module: HeartbeatModule,
      providers: [{ provide: HEARTBEAT_OPTIONS, useValue: resolveHeartbeatOptions(options) }],
    };
  }
}
