import { type EventEmitter, once } from 'node:events';
import type { IncomingMessage, Server as HttpServer, ServerResponse } from 'node:http';
import { Server as NetServer, type Socket as TcpSocket } from 'node:net';
import type { INestApplicationContext } from '@nestjs/common';
import { IoAdapter } from '@nestjs/platform-socket.io';
import type { Namespace, Server, ServerOptions } from 'socket.io';
import type { Carrier } from '../carrier.js';
import { Publisher } from '../publisher.js';
import { within } from '../within.js';
import { CarrierAdapter, type CarrierAdapterOptions } from './carrier-adapter.js';
import { ChannelRouter } from './channel-router.js';
import { Newcomers } from './newcomers.js';
import type { Routing } from './redis-face.js';
import { gateSubscriptions } from './subscription-gate.js';
import { Unanswered } from './unanswered.js';

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
  /** Called with each Socket.IO server that has been made, before a client can reach it. */
  readonly onServer?: (server: Server) => void;
}

/** What is used of Engine.IO, which Socket.IO hands out untyped. */
type EngineWithClients = { clients: Record<string, EventEmitter & { close(): void }> };

/**
 * Plugs Socket.IO's Redis adapter, over any carrier, into Nest's gateway layer.
 *
 *     app.useWebSocketAdapter(new RedisIoAdapter(app, { carrier }));
 *
 * Without long-polling a client is one connection, so any process may take it; that is why WebSocket alone is the
 * default. The program itself, whose workers bring each other what is theirs, allows both.
 */
export class RedisIoAdapter extends IoAdapter {
  /** Whoever has been accepted and has said nothing yet. */
  readonly newcomers = new Newcomers();

  private readonly servers = new Set<Server>();
  private readonly adapters = new Set<CarrierAdapter>();
  private readonly unanswered = new Unanswered();
  private readonly sockets = new WeakMap<HttpServer, Set<TcpSocket>>();
  private readonly adapterOptions: CarrierAdapterOptions;
  private readonly serverOptions: Partial<ServerOptions>;
  private readonly closeTimeoutMs: number;
  private readonly onServer: (server: Server) => void;

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
    this.onServer = options.onServer ?? (() => {});
  }

  /** Resolves once every namespace hears the other processes. A client that came earlier would miss messages. */
  async subscribed(): Promise<void> {
    await Promise.all([...this.adapters].map((adapter) => adapter.ready()));
  }

  /** How many clients are connected, over all namespaces and servers. */
  get connections(): number {
    return [...this.servers].reduce((sum, { engine }) => sum + engine.clientsCount, 0);
  }

  /** Takes no more connections; those that are open are served on. */
  stopListening(): void {
    // Not HTTP's own `close`: it cuts idle connections, and the next request on them would fail without an answer.
    for (const { httpServer } of this.servers) NetServer.prototype.close.call(httpServer);
  }

  /** Takes no more clients: who still begins one, over a connection that is open already, is answered 503. */
  refuseClients(): void {
    for (const server of this.servers) {
      server.engine.use((request: IncomingMessage, response: ServerResponse, next: () => void) => {
        if (isOfSession(request)) return next();
        response.writeHead(503, { Connection: 'close' }).end();
      });
    }
  }

  /**
   * The connected clients, each with how to let it go: once it has got the acknowledgements that it is owed, which may
   * take `answerTimeoutMs` at the most, it sees `transport close`.
   */
  clients(answerTimeoutMs: number): { leave(): Promise<void> }[] {
    return [...this.servers].flatMap(({ engine }) =>
      Object.values((engine as unknown as EngineWithClients).clients).map((connection) => ({
        leave: async () => {
          await within(answerTimeoutMs, this.unanswered.settled(connection), () => {});
          const closed = once(connection, 'close');
          connection.close();
          await within<unknown>(answerTimeoutMs, closed, () => {});
        },
      })),
    );
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
    gateSubscriptions(server, this.unanswered);
    this.servers.add(server);
    this.trackConnections(server.httpServer as HttpServer);
    this.onServer(server);
    return server;
  }

  /**
   * Ends a server and its clients, who see `transport close` and come back by themselves elsewhere.
   *
   * Nest calls this for each server and each namespace; a namespace ends with its server.
   */
  override async close(server: Server): Promise<void> {
    if (typeof server.close !== 'function') return;
    this.servers.delete(server);
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
    if (this.sockets.has(httpServer)) return;
    const connections = new Set<TcpSocket>();
    this.sockets.set(httpServer, connections);
    this.newcomers.watch(httpServer);
    const track = (connection: TcpSocket): void => {
      if (connections.has(connection)) return;
      connections.add(connection);
      connection.once('close', () => connections.delete(connection));
    };
    httpServer.on('connection', track);
    // One that another process has accepted begins here.
    httpServer.on('upgrade', (_request, connection: TcpSocket) => track(connection));
  }

  private cutConnections(httpServer: HttpServer): void {
    for (const connection of this.sockets.get(httpServer) ?? []) connection.destroy();
  }
}

function isOfSession({ url = '' }: IncomingMessage): boolean {
  return new URL(url, 'http://localhost').searchParams.has('sid');
}
