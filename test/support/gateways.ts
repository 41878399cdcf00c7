import type { AddressInfo } from 'node:net';
import { type INestApplication, Logger, type Provider, type Type } from '@nestjs/common';
import { IoAdapter } from '@nestjs/platform-socket.io';
import { Test } from '@nestjs/testing';
import type { ManagerOptions, Socket, SocketOptions } from 'socket.io-client';
import { onTestFinished } from 'vitest';
import { RedisIoAdapter, type RedisIoAdapterOptions } from '../../src/adapter/redis-io.adapter.js';
import { CoalescedDelivery } from '../../src/delivery/coalesced-delivery.js';
import { openUntyped } from './clients.js';
import { startFleet } from './nodes.js';

/** Nest's own adapter, and ours: for tables that hold on each, or that show the difference. */
export const adapterNames = ['stock', 'ours'] as const;
export type AdapterName = (typeof adapterNames)[number];

export interface ServedGateways {
  readonly app: INestApplication;
  readonly url: string;
  /** Of ours alone. */
  readonly adapter: RedisIoAdapter;
  /** Resolves with a client that is connected, or rejects with its `connect_error`. It ends with the test. */
  readonly connect: (namespace?: string, options?: Partial<ManagerOptions & SocketOptions>) => Promise<Socket>;
}

export interface ServeOptions extends Partial<RedisIoAdapterOptions> {
  readonly adapter?: AdapterName;
  readonly adapterClass?: typeof RedisIoAdapter;
  readonly providers?: readonly Provider[];
  readonly prepare?: (app: INestApplication) => void;
}

/** Serves gateways in this process, until the test ends. */
export async function serveGateways(gateways: readonly Type[], options: ServeOptions = {}): Promise<ServedGateways> {
  const { adapter: name = 'ours', adapterClass = RedisIoAdapter, providers = [], prepare, ...rest } = options;
  const module = await Test.createTestingModule({ providers: [...gateways, ...providers] }).compile();
  const app = module.createNestApplication();
  // Nest's testing module has set a logger of its own, which prints errors.
  Logger.overrideLogger(false);
  const carrier = rest.carrier ?? (await startFleet('embedded').openCarrier());
  const adapter =
    name === 'ours'
      ? new adapterClass(app, { delivery: new CoalescedDelivery(), ...rest, carrier })
      : new IoAdapter(app);
  app.useWebSocketAdapter(adapter);
  prepare?.(app);
  onTestFinished(() => app.close());
  await app.listen(0, '127.0.0.1');
  const url = `http://127.0.0.1:${(app.getHttpServer().address() as AddressInfo).port}`;
  const connect: ServedGateways['connect'] = async (namespace = '', clientOptions) => {
    const client = openUntyped(`${url}${namespace}`, { reconnection: false, ...clientOptions });
    await new Promise<void>((resolve, reject) => {
      client.once('connect', resolve);
      client.once('connect_error', reject);
    });
    return client;
  };
  return { app, url, adapter: adapter as RedisIoAdapter, connect };
}

/**
 * What a client gets for an event that asks for an acknowledgement: each acknowledgement, and each event. It looks once
 * the gateway has answered a `fence` after it, and all that was on its way has arrived.
 */
export async function heardAfter(client: Socket, event: string, ...payload: unknown[]): Promise<Heard> {
  const heard: Heard = { acknowledged: [], events: [] };
  client.onAny((name: string, ...args: unknown[]) => heard.events.push([name, ...args]));
  client.emit(event, ...payload, (...results: unknown[]) => heard.acknowledged.push(results));
  // Whatever is sent late, by promises and filters, is sent within a few turns of the loop.
  for (let fence = 0; fence < 5; fence++) await client.emitWithAck('fence');
  client.offAny();
  return heard;
}

export interface Heard {
  readonly acknowledged: unknown[][];
  readonly events: unknown[][];
}
