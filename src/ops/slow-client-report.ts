import { Injectable } from '@nestjs/common';
import { noSlowClients, type SlowClientFigures } from '../slow-clients.js';

/** What is known of this process's slow clients, once there is an adapter that knows it. */
@Injectable()
export class SlowClientReport {
  read: () => SlowClientFigures = () => noSlowClients;
}
