import { BadRequestException, Body, Controller, HttpCode, Inject, Param, Post, UsePipes } from '@nestjs/common';
import { StandardSchemaValidationPipe } from '@nestjs/common';
import type { Notification, NotificationServerEvents } from '../events.js';
import { ClusterEmitter } from '../index.js';
import { notificationsNamespace, roomOfUser } from './notifications.gateway.js';
import { nameSchema, notificationSchema } from './validation.js';

/** Publishes to a user's clients, whichever worker of whichever host serves them. */
@Controller('notifications')
@UsePipes(
  new StandardSchemaValidationPipe({
    exceptionFactory: (issues) => new BadRequestException(issues.map(({ message }) => message)),
  }),
)
export class NotificationsController {
  constructor(@Inject(ClusterEmitter) private readonly emitter: ClusterEmitter) {}

  @Post(':user')
  @HttpCode(202)
  notify(
    @Param('user', { schema: nameSchema }) user: string,
    @Body({ schema: notificationSchema }) notification: Notification,
  ): void {
    this.emitter
      .of<NotificationServerEvents>(notificationsNamespace)
      .to(roomOfUser(user))
      .emit('notification', notification);
  }
}
