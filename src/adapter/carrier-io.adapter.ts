import { type EventEmitter, once } from 'node:events';
import type { IncomingMessage, Server as HttpServer, ServerResponse } from 'node:http';
import { Server as NetServer } from 'node:net';
import { hostname } from 'node:os';
import type { INestApplicationContext } from '@nestjs/common';
import type { NestContainer } from '@nestjs/core';
import { IoAdapter } from '@nestjs/platform-socket.io';
import type { GatewayMetadata, MessageMappingProperties } from '@nestjs/websockets';
import type { Observable } from 'rxjs';
import type { Namespace, Server, ServerOptions, Socket } from 'socket.io';
import type { Carrier } from '../carrier.js';
import type { Delivery, ServedGateway } from '../delivery.js';
import { PrefixUnsupportedError, SetupTooLateError } from '../errors.js';
import type { FencedMessage } from '../fenced-message.js';
import { Publisher } from '../publisher.js';
import { within } from '../within.js';
import { admitClients } from './admission.js';
import { Connection } from './binding/connection.js';
import type { ConnectionGuard } from './binding/connection-guards.js';
import type { Fault } from './binding/fault-log.js';
import { fromNestHandlers, toNestHandlers, toStream } from './binding/foreign-handlers.js';
import type { GatewayBinding } from './binding/gateway-binding.js';
import { type Endpoint, GatewayLayer } from './binding/gateway-layer.js';
import { mergeOptions, normalPath, onServer } from './binding/gateway-options.js';
import { CarrierAdapter, type CarrierAdapterOptions } from './carrier-adapter.js';
import { ChannelRouter } from './channel-router.js';
import { Newcomers } from './newcomers.js';
import { OpenConnections } from './open-connections.js';
import { ProcessDirectory } from './process-directory.js';
import type { Routing } from './redis-face.js';
import { slimEngine } from './slim-engine.js';
import { Unanswered } from './unanswered.js';

export interface CarrierIoAdapterOptions {
  /** What moves messages between the processes. Whoever made it closes it, after the application. */
  readonly carrier: Carrier;
  /** The process's publisher, where it has one already; by default the adapter makes its own. */
  readonly publisher?: Publisher;
  /**
   * Brings packets to the clients of this process. `RedisIoAdapter` has one that writes to each client once per turn of
   * the event loop.
   * @default Socket.IO itself
   */
  readonly delivery?: Delivery;
  /**
   * Prefix of every channel, the same in all processes.
   * @default that of the publisher, or "socket.io"
   */
  readonly key?: string;
  /**
   * How the other processes call this one when it does not answer them.
   * @default the name of the host and the number of the process
   */
  readonly name?: string;
  /**
   * `rooms`: a process subscribes to the rooms that have members in it. `pattern`: it hears everything, as with the
   * official adapter; for foreign emitters that tell sockets to join a room and emit to it in the same breath.
   * @default "rooms"
   */
  readonly routing?: Routing;
  /**
   * How long `fetchSockets`, `serverSideEmit` and the like wait for the other processes, in milliseconds, where
   * `timeout(…)` does not say it.
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
   * How long an asynchronous `handleConnection` may take before the client is disconnected, in milliseconds. The
   * client's events wait for it.
   * @default 10_000
   */
  readonly connectionTimeoutMs?: number;
  /**
   * How many events of a client wait for `handleConnection`, for each gateway. Those beyond are refused.
   * @default 100
   */
  readonly heldEventsPerClient?: number;
  /**
   * How long an ending application waits for asynchronous `handleDisconnect`s, in milliseconds.
   * @default 3_000
   */
  readonly disconnectTimeoutMs?: number;
  /**
   * Guards that every client passes before it is connected to the namespace of a gateway, before those of the
   * gateway's own `@UseConnectionGuards`.
   * @default none
   */
  readonly connectionGuards?: readonly ConnectionGuard[];
  /**
   * Options of every Socket.IO server; those of a gateway's decorator come on top.
   * @default { transports: ['websocket'] }
   */
  readonly server?: Partial<ServerOptions>;
  /**
   * Takes what `ClusterEmitter.fenced` sends, before any client gets it, for each server that has the namespace. It
   * gives to the clients what may pass.
   * @default a fenced message is delivered as any other
   */
  readonly onFenced?: (namespace: string, message: FencedMessage) => void;
  /** Called with each Socket.IO server that has been made, before a client can reach it. */
  readonly onServer?: (server: Server) => void;
}

/** What is used of an application that Nest does not declare as public. */
interface ApplicationInside {
  readonly container?: NestContainer;
  readonly isInitialized?: boolean;
}

type Listener = (...args: never[]) => void;

type NamespaceOptions = Partial<ServerOptions> & Pick<GatewayMetadata, 'namespace'> & { readonly server?: Server };

/** What is used of Engine.IO, which Socket.IO hands out untyped. */
type EngineWithClients = { clients: Record<string, EngineClient> };
type EngineClient = EventEmitter & { readonly transport: { readonly name: string }; close(): void };

/**
 * Plugs Socket.IO's Redis adapter, over any carrier, into Nest's gateway layer.
 *
 * Without long-polling a client is one connection, so any process may take it; that is why WebSocket alone is the
 * default. The program itself, whose workers bring each other what is theirs, allows both.
 */
export class CarrierIoAdapter extends IoAdapter {
  /** Whoever has been accepted and has said nothing yet. */
  readonly newcomers = new Newcomers();

  private readonly servers = new Set<Server>();
  private readonly byAddress = new Map<string, Server>();
  private readonly dynamicNamespaces = new WeakMap<Server, Map<string, Namespace>>();
  private readonly layer: GatewayLayer;
  private binding: GatewayBinding | undefined;
  private readonly adapters = new Set<CarrierAdapter>();
  private readonly unanswered = new Unanswered();
  private readonly openConnections = new WeakMap<HttpServer, OpenConnections>();
  private readonly adapterOptions: CarrierAdapterOptions;
  private readonly serverOptions: Partial<ServerOptions>;
  private readonly closeTimeoutMs: number;
  private readonly onServer: (server: Server) => void;

  /** @throws SetupTooLateError when the application's gateways are connected already. */
  constructor(app: INestApplicationContext, options: CarrierIoAdapterOptions) {
    super(app);
    const { container, isInitialized } = app as unknown as ApplicationInside;
    if (isInitialized) throw new SetupTooLateError();
    const { carrier, key = options.publisher?.key ?? 'socket.io', routing = 'rooms' } = options;
    if (routing === 'pattern' && !carrier.hearsPrefixes) throw new PrefixUnsupportedError();
    const router = ChannelRouter.of(carrier);
    const { name = `${hostname()} (process ${process.pid})` } = options;
    this.adapterOptions = {
      carrier,
      key,
      router,
      directory: new ProcessDirectory(carrier, router, key, { tag: router.tag, name }),
      publisher: options.publisher ?? new Publisher(carrier, { key }),
      delivery: options.delivery,
      onFenced: options.onFenced,
      routing,
      requestsTimeoutMs: options.requestsTimeoutMs ?? 5_000,
      subscribeTimeoutMs: options.subscribeTimeoutMs ?? 1_000,
    };
    this.serverOptions = { transports: ['websocket'], ...options.server };
    this.closeTimeoutMs = options.closeTimeoutMs ?? 1_000;
    this.onServer = options.onServer ?? (() => {});
    this.layer = new GatewayLayer(
      container,
      this.unanswered,
      (payload) => this.mapPayload(payload),
      {
        connectionTimeoutMs: options.connectionTimeoutMs ?? 10_000,
        heldEventsPerClient: options.heldEventsPerClient ?? 100,
        disconnectTimeoutMs: options.disconnectTimeoutMs ?? 3_000,
        connectionGuards: options.connectionGuards ?? [],
      },
      !this.overrides('bindClientDisconnect'),
    );
    this.takeOverGateways();
  }

  /** Resolves once every namespace hears the other processes. A client that came earlier would miss messages. */
  async subscribed(): Promise<void> {
    await Promise.all([...this.adapters].map((adapter) => adapter.ready()));
  }

  /**
   * Resolves once everything is there that a start-up needs and that Nest does not wait for.
   *
   * Rejects when a guard for connections cannot be made of what its gateway's module provides. Without this, such a
   * gateway refuses every client.
   */
  async prepared(): Promise<void> {
    await this.layer.ready();
  }

  /** What gateways did not foresee: each kind, and how often it has happened since the start. */
  get faults(): readonly Fault[] {
    return this.layer.faults.faults;
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
   * take `answerTimeoutMs` at the most, it sees `transport close`. One that is between two polls is told with the next,
   * for which it may take `pollTimeoutMs`.
   */
  clients(answerTimeoutMs: number, pollTimeoutMs = answerTimeoutMs): { leave(): Promise<void> }[] {
    return [...this.servers].flatMap(({ engine }) =>
      Object.values((engine as unknown as EngineWithClients).clients).map((connection) => ({
        leave: async () => {
          await within(answerTimeoutMs, this.unanswered.settled(connection), () => {});
          const closed = once(connection, 'close');
          connection.close();
          const isPolling = connection.transport.name === 'polling';
          await within<unknown>(isPolling ? pollTimeoutMs : answerTimeoutMs, closed, () => {});
        },
      })),
    );
  }

  /**
   * A server with what all gateways on its port and path say of it, or a namespace of it.
   *
   * @throws GatewayOptionsConflictError when those gateways contradict each other.
   */
  override create(port: number, options: NamespaceOptions = {}): Server | Namespace {
    const { namespace, server, ...ofServer } = options;
    if (server)
      return namespace instanceof RegExp
        ? this.dynamicNamespace(server, namespace)
        : super.create(port, options as never);
    const address = `${port} ${normalPath(ofServer.path)}`;
    const shared = this.byAddress.get(address);
    if (shared && !namespace) return shared;
    const merged = mergeOptions(onServer(this.layer.gateways, port, ofServer.path));
    const created = super.create(port, { ...ofServer, ...merged, namespace } as never);
    if (!namespace) this.byAddress.set(address, created as Server);
    return created;
  }

  override createIOServer(port: number, options?: Partial<ServerOptions>): Server {
    const { adapters, adapterOptions } = this;
    const server: Server = super.createIOServer(port, {
      ...adapterOptions.delivery?.serverOptions,
      ...this.serverOptions,
      ...options,
      // Socket.IO calls it with `new`, so it cannot be an arrow function.
      adapter: function createCarrierAdapter(namespace: Namespace) {
        const adapter = new CarrierAdapter(namespace, adapterOptions, () => {
          if (adapters.delete(adapter) && adapters.size === 0) adapterOptions.directory.close();
        });
        if (adapters.size === 0) adapterOptions.directory.open();
        adapters.add(adapter);
        return adapter;
      },
    } as unknown as ServerOptions);
    admitClients(server, this.layer, adapterOptions.delivery);
    slimEngine(server.engine as never);
    adapterOptions.delivery?.attach(server, this.layer.gateways.map(toServed));
    this.servers.add(server);
    this.trackConnections(server.httpServer as HttpServer);
    this.onServer(server);
    return server;
  }

  /**
   * For subclasses that change what passes through handlers: it takes what it gets for this one client. Where nobody
   * overrides it, it is not called, and a client costs nothing for each handler.
   */
  override bindMessageHandlers(
    socket: Socket,
    handlers: MessageMappingProperties[],
    transform: (data: unknown) => Observable<unknown>,
  ): void {
    Connection.of(socket)?.addHandlers(fromNestHandlers(handlers, transform, this.binding));
  }

  /**
   * Ends a server and its clients, who see `transport close` and come back by themselves elsewhere.
   *
   * Nest calls this for each server and each namespace; a namespace ends with its server.
   */
  override async close(server: Server): Promise<void> {
    if (typeof server.close !== 'function') return;
    this.servers.delete(server);
    for (const [address, known] of this.byAddress) if (known === server) this.byAddress.delete(address);
    const httpServer = server.httpServer as HttpServer;
    const alarm = setTimeout(() => this.openConnections.get(httpServer)?.cut(), this.closeTimeoutMs);
    try {
      const closed = server.close();
      httpServer.closeIdleConnections();
      await Promise.all([closed, this.layer.settled()]);
    } finally {
      clearTimeout(alarm);
    }
  }

  /**
   * Nest keeps the promise of `handleConnection` to itself, and binds each handler to each client. So what it would call
   * for a client is replaced, before any subclass sees it, for each gateway that is known.
   */
  private takeOverGateways(): void {
    const bind = this.bindClientConnect.bind(this);
    const withTable = !this.overrides('bindMessageHandlers');
    this.bindClientConnect = (server: Endpoint, callback: Listener) => {
      const gateway = this.layer.claim(server, withTable);
      bind(
        server,
        gateway ? (client: Socket, ...rest: unknown[]) => this.connect(gateway, server, client, rest) : callback,
      );
    };
  }

  private connect(gateway: GatewayBinding, server: Endpoint, client: Socket, rest: readonly unknown[]): void {
    this.layer.connect(gateway, server, client, [client, ...rest]);
    if (this.overrides('bindMessageHandlers')) {
      this.binding = gateway;
      this.bindMessageHandlers(client, toNestHandlers(gateway, client), toStream);
      this.binding = undefined;
    }
    if (this.overrides('bindClientDisconnect')) {
      this.bindClientDisconnect(client, (reason: unknown) => this.layer.disconnect(gateway, client, reason));
    }
  }

  private overrides(method: 'bindMessageHandlers' | 'bindClientDisconnect'): boolean {
    return this[method] !== CarrierIoAdapter.prototype[method];
  }

  /** Of two namespaces of the same pattern Socket.IO asks only the first, so gateways share one. */
  private dynamicNamespace(server: Server, pattern: RegExp): Namespace {
    const known = this.dynamicNamespaces.get(server) ?? new Map<string, Namespace>();
    this.dynamicNamespaces.set(server, known);
    const namespace = known.get(String(pattern)) ?? server.of(pattern);
    known.set(String(pattern), namespace);
    return namespace;
  }

  private trackConnections(httpServer: HttpServer): void {
    if (this.openConnections.has(httpServer)) return;
    this.openConnections.set(httpServer, new OpenConnections(httpServer));
    this.newcomers.watch(httpServer);
  }
}

function toServed({ name, metatype, options }: GatewayBinding): ServedGateway {
  return { name, metatype, namespace: options.namespace ?? '/' };
}

function isOfSession({ url = '' }: IncomingMessage): boolean {
  return new URL(url, 'http://localhost').searchParams.has('sid');
}
