import type { INestApplicationContext } from '@nestjs/common';
import { CarrierIoAdapter, type CarrierIoAdapterOptions } from './adapter/carrier-io.adapter.js';
import type { Delivery } from './delivery.js';
import { CoalescedDelivery } from './delivery/coalesced-delivery.js';
import { noSlowClients, type SlowClientFigures, type SlowClientsOptions } from './slow-clients.js';

export interface RedisIoAdapterOptions extends CarrierIoAdapterOptions {
  /** How much may wait for a client that reads slowly or not at all, and what happens beyond. */
  readonly slowClients?: SlowClientsOptions;
}

/**
 * Plugs Socket.IO's Redis adapter, over any carrier, into Nest's gateway layer, and writes to each client once per turn
 * of the event loop, whatever it is sent during it.
 *
 *     app.useWebSocketAdapter(new RedisIoAdapter(app, { carrier }));
 */
export class RedisIoAdapter extends CarrierIoAdapter {
  private readonly delivery: Delivery;

  /**
   * @throws SetupTooLateError when the application's gateways are connected already.
   * @throws RangeError when one of `slowClients` is wrong.
   */
  constructor(application: INestApplicationContext, options: RedisIoAdapterOptions) {
    const { slowClients, delivery = new CoalescedDelivery(slowClients), ...others } = options;
    super(application, { ...others, delivery });
    this.delivery = delivery;
  }

  /** What waits for this process's clients, and what was done about those that are slow. */
  get slowClients(): SlowClientFigures {
    return this.delivery instanceof CoalescedDelivery ? this.delivery.slowClients : noSlowClients;
  }
}
