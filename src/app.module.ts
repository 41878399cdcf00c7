import { Module } from '@nestjs/common';
import { ChatGateway } from './gateways/chat.gateway.js';
import { NotificationsController } from './gateways/notifications.controller.js';
import { NotificationsGateway } from './gateways/notifications.gateway.js';
import { PageController } from './ops/page.controller.js';

/** The application: what clients can do. Add your gateways, controllers and modules here; they run on every core. */
@Module({
  controllers: [PageController, NotificationsController],
  providers: [ChatGateway, NotificationsGateway],
})
export class AppModule {}
