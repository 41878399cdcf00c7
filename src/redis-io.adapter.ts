import type { INestApplicationContext } from '@nestjs/common';
import { CarrierIoAdapter, type CarrierIoAdapterOptions } from './adapter/carrier-io.adapter.js';
import { CoalescedDelivery } from './delivery/coalesced-delivery.js';

export type RedisIoAdapterOptions = CarrierIoAdapterOptions;

/**
 * Plugs Socket.IO's Redis adapter, over any carrier, into Nest's gateway layer, and writes to each client once per turn
 * of the event loop, whatever it is sent during it.
 *
 *     app.useWebSocketAdapter(new RedisIoAdapter(app, { carrier }));
 */
export class RedisIoAdapter extends CarrierIoAdapter {
  constructor(application: INestApplicationContext, options: RedisIoAdapterOptions) {
    super(application, { delivery: new CoalescedDelivery(), ...options });
  }
}
