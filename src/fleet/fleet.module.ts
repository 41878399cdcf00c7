import { type DynamicModule, Module } from '@nestjs/common';
import { DiscoveryModule } from '@nestjs/core';
import { ScheduleModule } from '@nestjs/schedule';
import { FleetClock } from '../fleet-clock.js';
import { FleetSchedule } from '../fleet-schedule.js';
import { Leadership } from '../leadership.js';
import { FLEET_OPTIONS, type FleetOptions, openLeaseStore, resolveFleetOptions } from './fleet.options.js';
import { FleetDesk } from './fleet-desk.js';
import { FleetJobs } from './fleet-jobs.js';
import { JobExplorer } from './job-explorer.js';
import { LEASE_STORE, LeaseHolder } from './lease-holder.js';

/**
 * What must happen once in a fleet: its leadership, and the jobs that `@FleetInterval` and `@FleetCron` declare.
 *
 * Belongs in the primary; it needs a `CarrierModule` beside it.
 */
@Module({ imports: [ScheduleModule.forRoot(), DiscoveryModule] })
export class FleetModule {
  /** @throws RangeError when an option is out of its range. */
  static forRoot(options: FleetOptions = {}): DynamicModule {
    const resolved = resolveFleetOptions(options);
    return {
      module: FleetModule,
      global: true,
      providers: [
        { provide: FLEET_OPTIONS, useValue: resolved },
        { provide: LEASE_STORE, useFactory: () => openLeaseStore(resolved) },
        { provide: FleetClock, useFactory: () => new FleetClock() },
        LeaseHolder,
        { provide: Leadership, useExisting: LeaseHolder },
        FleetJobs,
        { provide: FleetSchedule, useExisting: FleetJobs },
        JobExplorer,
        FleetDesk,
      ],
      exports: [FleetClock, Leadership, FleetSchedule, FleetDesk, FleetJobs],
    };
  }
}
