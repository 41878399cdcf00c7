import type { Server as HttpServer } from 'node:http';
import type { Socket as TcpSocket } from 'node:net';
import type { INestApplicationContext } from '@nestjs/common';
import { IoAdapter } from '@nestjs/platform-socket.io';
import type { Namespace, Server, ServerOptions } from 'socket.io';
import type { Carrier } from '../carrier.js';
import { Publisher } from '../publisher.js';
import { CarrierAdapter, type CarrierAdapterOptions } from './carrier-adapter.js';
import { ChannelRouter } from './channel-router.js';
import type { Routing } from './redis-face.js';
import { gateSubscriptions } from './subscription-gate.js';

export interface RedisIoAdapterOptions {
  /** What moves messages between the processes. Whoever made it closes it, after the application. */
  readonly carrier: Carrier;
  /** The process's publisher, where it has one already; by default the adapter makes its own. */
  readonly publisher?: Publisher;
  /**
   * Prefix of every channel, the same in all processes.
   * @default "socket.io"
   */
  readonly key?: string;
  /**
   * `rooms`: a process subscribes to the rooms that have members in it. `pattern`: it hears everything, as with the
   * official adapter; for foreign emitters that tell sockets to join a room and emit to it in the same breath.
   * @default "rooms"
   */
  readonly routing?: Routing;
  /**
   * How long `fetchSockets`, `serverSideEmit` and the like wait for the other processes, in milliseconds.
   * @default 5_000
   */
  readonly requestsTimeoutMs?: number;
  /**
   * How long an acknowledgement, an awaited `join` or a connecting client waits for a subscription, in milliseconds.
   * @default 1_000
   */
  readonly subscribeTimeoutMs?: number;
  /**
   * How long clients may take to answer the closing of their connection before it is cut, in milliseconds.
   * @default 1_000
   */
  readonly closeTimeoutMs?: number;
  /**
   * Options of every Socket.IO server; those of a gateway's decorator come on top.
   * @default { transports: ['websocket'] }
   */
  readonly server?: Partial<ServerOptions>;
}

/**
 * Plugs Socket.IO's Redis adapter, over any carrier, into Nest's gateway layer.
 *
 *     app.useWebSocketAdapter(new RedisIoAdapter(app, { carrier }));
 *
 * Without long-polling a client is one connection, so any worker may take it; that is why WebSocket is the default.
 */
export class RedisIoAdapter extends IoAdapter {
  private readonly adapters = new Set<CarrierAdapter>();
  private readonly connections = new WeakMap<HttpServer, Set<TcpSocket>>();
  private readonly adapterOptions: CarrierAdapterOptions;
  private readonly serverOptions: Partial<ServerOptions>;
  private readonly closeTimeoutMs: number;

  constructor(app: INestApplicationContext, options: RedisIoAdapterOptions) {
    super(app);
    const { carrier, key = 'socket.io' } = options;
    this.adapterOptions = {
      carrier,
      key,
      router: ChannelRouter.of(carrier),
      publisher: options.publisher ?? new Publisher(carrier, { key }),
      routing: options.routing ?? 'rooms',
      requestsTimeoutMs: options.requestsTimeoutMs ?? 5_000,
      subscribeTimeoutMs: options.subscribeTimeoutMs ?? 1_000,
    };
    this.serverOptions = { transports: ['websocket'], ...options.server };
    this.closeTimeoutMs = options.closeTimeoutMs ?? 1_000;
  }

  /** Resolves once every namespace hears the other processes. A client that came earlier would miss messages. */
  async subscribed(): Promise<void> {
    await Promise.all([...this.adapters].map((adapter) => adapter.ready()));
  }

  override createIOServer(port: number, options?: Partial<ServerOptions>): Server {
    const { adapters, adapterOptions } = this;
    const server: Server = super.createIOServer(port, {
      ...this.serverOptions,
      ...options,
      // Socket.IO calls it with `new`, so it cannot be an arrow function.
      adapter: function createCarrierAdapter(namespace: Namespace) {
        const adapter = new CarrierAdapter(namespace, adapterOptions, () => adapters.delete(adapter));
        adapters.add(adapter);
        return adapter;
      },
    } as unknown as ServerOptions);
    gateSubscriptions(server);
    this.trackConnections(server.httpServer as HttpServer);
    return server;
  }

  /**
   * Ends a server and its clients, who see `transport close` and come back by themselves elsewhere.
   *
   * Nest calls this for each server and each namespace; a namespace ends with its server.
   */
  override async close(server: Server): Promise<void> {
    if (typeof server.close !== 'function') return;
    const httpServer = server.httpServer as HttpServer;
    const alarm = setTimeout(() => this.cutConnections(httpServer), this.closeTimeoutMs);
    try {
      const closed = server.close();
      httpServer.closeIdleConnections();
      await closed;
    } finally {
      clearTimeout(alarm);
    }
  }

  private trackConnections(httpServer: HttpServer): void {
    if (this.connections.has(httpServer)) return;
    const connections = new Set<TcpSocket>();
    this.connections.set(httpServer, connections);
    httpServer.on('connection', (connection: TcpSocket) => {
      connections.add(connection);
      connection.once('close', () => connections.delete(connection));
    });
  }

  private cutConnections(httpServer: HttpServer): void {
    for (const connection of this.connections.get(httpServer) ?? []) connection.destroy();
  }
}
