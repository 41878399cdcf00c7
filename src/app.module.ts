import { type DynamicModule, Module } from '@nestjs/common';
import type { Carrier } from './carrier.js';
import { CarrierModule } from './carrier/carrier.module.js';
import type { Config } from './config.js';
import { EmitterModule } from './emitter/emitter.module.js';
import { ChatGateway } from './gateways/chat.gateway.js';
import { NotificationsController } from './gateways/notifications.controller.js';
import { NotificationsGateway } from './gateways/notifications.gateway.js';
import { WorkerIdentity } from './identity.js';
import { HealthController } from './ops/health.controller.js';
import { PageController } from './ops/page.controller.js';
import { Readiness } from './ops/readiness.js';

/** What every process that serves clients consists of. A team adds its gateways and modules here. */
@Module({
  controllers: [HealthController, PageController, NotificationsController],
  providers: [ChatGateway, NotificationsGateway, Readiness],
})
export class AppModule {
  static forRoot({ redisKey, slot = 1, hostName }: Config, carrier: Carrier): DynamicModule {
    return {
      module: AppModule,
      imports: [CarrierModule.forRoot(() => carrier, { key: redisKey }), EmitterModule.forRoot({ key: redisKey })],
      providers: [{ provide: WorkerIdentity, useValue: new WorkerIdentity(slot, hostName) }],
    };
  }
}
