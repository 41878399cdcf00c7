import { type DynamicModule, Global, Module, type Type } from '@nestjs/common';
import type { Carrier } from './carrier.js';
import { CarrierModule } from './carrier/carrier.module.js';
import type { Config } from './config.js';
import { EmitterModule } from './emitter/emitter.module.js';
import { WorkerIdentity } from './identity.js';
import { HealthController } from './ops/health.controller.js';
import { Readiness } from './ops/readiness.js';
import { SlowClientReport } from './ops/slow-client-report.js';

/** What every process that serves clients has around the application: the carrier, the emitter, who it is, its health. */
@Global()
@Module({ controllers: [HealthController], providers: [Readiness, SlowClientReport] })
export class ServingModule {
  static forRoot(application: Type, { redisKey, slot = 1, hostName }: Config, carrier: Carrier): DynamicModule {
    return {
      module: ServingModule,
      imports: [
        CarrierModule.forRoot(() => carrier, { key: redisKey }),
        EmitterModule.forRoot({ key: redisKey }),
        application,
      ],
      providers: [{ provide: WorkerIdentity, useValue: new WorkerIdentity(slot, hostName) }],
      exports: [WorkerIdentity],
    };
  }
}
