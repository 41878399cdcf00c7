import type { NestContainer } from '@nestjs/core';
import { WsException } from '@nestjs/websockets';
import type { Namespace, Server, Socket } from 'socket.io';
import { isUnexpected, internalError, type Refusal, toRefusal } from '../../refusal.js';
import { within } from '../../within.js';
import type { Unanswered } from '../unanswered.js';
import { Connection } from './connection.js';
import { askGuards, type ConnectionGuard } from './connection-guards.js';
import { FaultLog } from './fault-log.js';
import { GatewayBinding } from './gateway-binding.js';
import type { Handler, HandlerArguments } from './handler.js';
import { HandlerFactory, isPromise } from './handler-factory.js';

export interface GatewayLayerOptions {
  /** How long a client may wait for its `handleConnection`, in milliseconds. */
  readonly connectionTimeoutMs: number;
  /** How many events of a client wait meanwhile, for each gateway. */
  readonly heldEventsPerClient: number;
  /** How long an ending server waits for what is left of `handleDisconnect`, in milliseconds. */
  readonly disconnectTimeoutMs: number;
  readonly connectionGuards: readonly ConnectionGuard[];
}

export type Endpoint = Server | Namespace;

type MapPayload = (payload: unknown) => { readonly data: unknown; readonly ack?: unknown };

/** The gateways of an application, and what happens between them and their clients. */
export class GatewayLayer {
  readonly faults = new FaultLog();
  private known: readonly GatewayBinding[] | undefined;
  private announced: { readonly gateway: GatewayBinding; readonly server: unknown } | undefined;
  private readonly tables = new WeakMap<object, Map<unknown, Handler[]>>();
  private readonly endings = new Set<Promise<void>>();

  constructor(
    private readonly container: NestContainer | undefined,
    readonly unanswered: Unanswered,
    readonly mapPayload: MapPayload,
    readonly options: GatewayLayerOptions,
    /** Whether gateways hear from here that a client has gone. */
    readonly tellsDisconnect: boolean,
  ) {}

  /** Found at the first use: by then the application has made its instances, and Nest has not looked at them yet. */
  get gateways(): readonly GatewayBinding[] {
    if (this.known) return this.known;
    if (!this.container) return (this.known = []);
    const factory = new HandlerFactory(this.container);
    this.known = GatewayBinding.findAll(this.container, factory, this.options.connectionGuards);
    for (const gateway of this.known) this.awaitInit(gateway);
    return this.known;
  }

  /** Rejects when a guard for connections cannot be made of what its module provides. */
  async ready(): Promise<void> {
    await Promise.all(this.gateways.map((gateway) => gateway.connectionGuards()));
  }

  /** The gateway that Nest is about to bind to the server, and its handlers for all clients; none when it is unknown. */
  claim(server: Endpoint, withTable: boolean): GatewayBinding | undefined {
    const { announced } = this;
    this.announced = undefined;
    if (announced?.server !== server) return undefined;
    const { gateway } = announced;
    gateway.server = server;
    if (withTable) this.enterHandlers(gateway, server);
    if (gateway.isGuarded) this.guard(gateway, server);
    return gateway;
  }

  /** A client of the server has connected: what the gateway does about it, and where the client's events go. */
  connect(gateway: GatewayBinding, server: Endpoint, client: Socket, args: readonly unknown[]): void {
    const connection = Connection.of(client) ?? Connection.take(client, this);
    const finished = this.welcome(gateway, connection, client, args);
    connection.enter(gateway, this.tables.get(server), finished);
  }

  /** Calls `handleDisconnect` once the gateway's `handleConnection` has finished, since it undoes what that did. */
  disconnect(gateway: GatewayBinding, client: Socket, reason: unknown): void {
    const leave = async (): Promise<void> => {
      try {
        await Connection.of(client)?.opened(gateway);
        await (await gateway.instanceFor(client)).handleDisconnect?.(client, reason);
      } catch (error) {
        this.faults.report(gateway.name, 'handleDisconnect', error);
      } finally {
        gateway.forget(client);
        this.endings.delete(left);
      }
    };
    const left: Promise<void> = leave();
    this.endings.add(left);
  }

  /** Resolves once every `handleDisconnect` has ended, or after the time that they may take. */
  async settled(): Promise<void> {
    await within<unknown>(this.options.disconnectTimeoutMs, Promise.all(this.endings), () => {});
  }

  /** Hands an exception to the handler's filters. Resolves with whether one has taken it. Never rejects. */
  async filter(handler: Handler, exception: unknown, args: HandlerArguments): Promise<boolean> {
    try {
      if (await handler.filter(exception, args)) return true;
    } catch (error) {
      this.faults.report(`an exception filter of ${handler.gateway.name}`, handler.event, error);
    }
    if (isUnexpected(exception)) this.faults.report(handler.gateway.name, handler.event, exception);
    return false;
  }

  /** Nest calls it with the server right before it binds the gateway to that server. */
  private awaitInit(gateway: GatewayBinding): void {
    const { instance } = gateway;
    const { afterInit } = instance;
    const announce = (server: unknown): void => {
      this.announced = { gateway, server };
      try {
        const result = afterInit?.call(instance, server);
        if (isPromise(result))
          result.then(null, (error: unknown) => this.faults.report(gateway.name, 'afterInit', error));
      } catch (error) {
        this.faults.report(gateway.name, 'afterInit', error);
      }
    };
    Object.defineProperty(instance, 'afterInit', { value: announce, configurable: true, writable: true });
  }

  private enterHandlers(gateway: GatewayBinding, server: Endpoint): void {
    const table = this.tables.get(server) ?? new Map<unknown, Handler[]>();
    this.tables.set(server, table);
    for (const handler of gateway.handlers) table.set(handler.event, [...(table.get(handler.event) ?? []), handler]);
  }

  private guard(gateway: GatewayBinding, server: Endpoint): void {
    const ask = async (socket: Socket): Promise<Error | undefined> => {
      try {
        const asked = gateway.connectionGuards().then((guards) => askGuards(guards, socket, gateway.metatype));
        await within(this.options.connectionTimeoutMs, asked, tookTooLong);
      } catch (exception) {
        if (isUnexpected(exception)) this.faults.report(gateway.name, 'connection guards', exception);
        const { error } = toRefusal(exception);
        return Object.assign(new Error(error.message), { data: error });
      }
    };
    server.use((socket: Socket, next: (error?: Error) => void) => void ask(socket).then(next));
  }

  /** Calls `handleConnection`. Returns what the client's events wait for, if they have to wait. Never throws. */
  private welcome(
    gateway: GatewayBinding,
    connection: Connection,
    client: Socket,
    args: readonly unknown[],
  ): Promise<Refusal | undefined> | undefined {
    const refuse = (exception: unknown): Refusal => {
      this.faults.report(gateway.name, 'handleConnection', exception);
      const refusal = toRefusal(exception);
      connection.fail(refusal === internalError ? couldNotConnect : refusal);
      return refusal;
    };
    try {
      const instance = gateway.instanceFor(client);
      const outcome = isPromise(instance)
        ? instance.then((own) => own.handleConnection?.(...args))
        : instance.handleConnection?.(...args);
      if (!isPromise(outcome)) return undefined;
      const connected = outcome.then(() => undefined);
      return within<undefined>(this.options.connectionTimeoutMs, connected, tookTooLong).catch(refuse);
    } catch (exception) {
      refuse(exception);
    }
  }
}

const couldNotConnect: Refusal = {
  error: { code: 'INTERNAL_ERROR', message: 'The server could not complete the connection.' },
};

function tookTooLong(): never {
  throw new WsException({ code: 'NOT_CONNECTED', message: 'The connecting took too long.' });
}
