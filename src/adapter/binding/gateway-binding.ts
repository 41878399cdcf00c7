import type { CanActivate, Type } from '@nestjs/common';
import { ContextIdFactory, MetadataScanner, ModuleRef, type NestContainer } from '@nestjs/core';
import { type InstanceWrapper, type Module, REQUEST_CONTEXT_ID } from '@nestjs/core/internal';
import type { GatewayMetadata } from '@nestjs/websockets';
import { GatewayMetadataExplorer } from '@nestjs/websockets/gateway-metadata-explorer.js';
import { GATEWAY_METADATA, GATEWAY_OPTIONS, GATEWAY_SERVER_METADATA, PORT_METADATA } from '@nestjs/websockets/internal';
import type { Socket } from 'socket.io';
import { type ConnectionGuard, connectionGuardsOf } from './connection-guards.js';
import type { DecoratedGateway } from './gateway-options.js';
import type { Handler, HandlerArguments, HandlerOwner } from './handler.js';
import type { HandlerFactory, Method } from './handler-factory.js';

/** What Nest calls of a gateway besides its handlers. */
export interface GatewayHooks {
  afterInit?: (server: unknown) => unknown;
  handleConnection?: (...args: unknown[]) => unknown;
  handleDisconnect?: (client: unknown, reason: unknown) => unknown;
}

/** One gateway of the application, and how to reach its instance. */
export class GatewayBinding implements DecoratedGateway, HandlerOwner {
  /** What `@WebSocketServer()` stands for. */
  server: unknown;
  private composed: readonly Handler[] | undefined;
  private readonly guards: Promise<readonly CanActivate[]> | undefined;

  private constructor(
    private readonly wrapper: InstanceWrapper<GatewayHooks>,
    private readonly module: Module,
    private readonly moduleKey: string,
    private readonly container: NestContainer,
    private readonly factory: HandlerFactory,
    guardsOfAll: readonly ConnectionGuard[],
  ) {
    const guards = [...guardsOfAll, ...connectionGuardsOf(this.metatype)];
    this.guards = guards.length > 0 ? Promise.all(guards.map((guard) => this.resolveGuard(guard))) : undefined;
    // Whoever asks for them hears of it.
    this.guards?.catch(() => {});
  }

  /** All that Nest is going to connect, in its order. */
  static findAll(container: NestContainer, factory: HandlerFactory, guards: readonly ConnectionGuard[]) {
    return [...container.getModules()].flatMap(([moduleKey, module]) =>
      [...module.providers.values()]
        .filter(({ isNotMetatype, metatype }) => !isNotMetatype && Reflect.hasMetadata(GATEWAY_METADATA, metatype!))
        .map(
          (wrapper) =>
            new GatewayBinding(wrapper as InstanceWrapper<GatewayHooks>, module, moduleKey, container, factory, guards),
        ),
    );
  }

  /** Composed at the first use, when Nest binds it: what is global may be added until then. */
  get handlers(): readonly Handler[] {
    this.composed ??= this.isStatic ? this.createHandlers() : this.createScopedHandlers();
    return this.composed;
  }

  get name(): string {
    return this.metatype.name;
  }

  get metatype(): Type {
    return this.wrapper.metatype as Type;
  }

  get port(): number {
    return (Reflect.getMetadata(PORT_METADATA, this.metatype) as number | undefined) ?? 0;
  }

  get options(): GatewayMetadata {
    return (Reflect.getMetadata(GATEWAY_OPTIONS, this.metatype) ?? {}) as GatewayMetadata;
  }

  /** The one instance; of a request-scoped gateway an object with its methods, to which Nest hands the server. */
  get instance(): GatewayHooks {
    return this.wrapper.instance;
  }

  get isGuarded(): boolean {
    return this.guards !== undefined;
  }

  async connectionGuards(): Promise<readonly CanActivate[]> {
    return (await this.guards) ?? [];
  }

  /** The client's own instance of a request-scoped gateway; else the one that there is. */
  instanceFor(client: Socket): GatewayHooks | Promise<GatewayHooks> {
    return this.isStatic ? this.instance : this.scopedInstance(client);
  }

  /** As Nest does: what a client's next messages need has been forgotten then. */
  forget(client: Socket): void {
    if (!this.isStatic) Reflect.deleteProperty(client, REQUEST_CONTEXT_ID);
  }

  private get isStatic(): boolean {
    return this.wrapper.isDependencyTreeStatic();
  }

  private createHandlers(): readonly Handler[] {
    const { instance, moduleKey, factory } = this;
    return this.explore().map(({ event, method, methodName, isAckHandledManually }) => ({
      event,
      methodName,
      gateway: this,
      isAckHandledManually,
      ...factory.create(method, { instance, methodName, moduleKey }),
    }));
  }

  /** What is around the method may be request-scoped as well, so it is found anew for each message. */
  private createScopedHandlers(): readonly Handler[] {
    const { moduleKey, factory, instance: prototype } = this;
    return this.explore().map(({ event, method, methodName, isAckHandledManually }) => {
      const callsFor = async (client: Socket) => {
        const instance = await this.scopedInstance(client);
        const contextId = this.contextIdOf(client);
        return factory.create((instance as Record<string, Method>)[methodName]!, {
          instance,
          methodName,
          moduleKey,
          contextId,
          inquirerId: this.wrapper.id,
        });
      };
      const withoutInstance = factory.create(method, { instance: prototype, methodName, moduleKey });
      return {
        event,
        methodName,
        gateway: this,
        isAckHandledManually,
        call: async (args: HandlerArguments) => (await callsFor(args[0] as Socket)).call(args),
        filter: async (exception: unknown, args: HandlerArguments) => {
          const calls = await callsFor(args[0] as Socket).catch(() => withoutInstance);
          return calls.filter(exception, args);
        },
      };
    });
  }

  private explore() {
    return new GatewayMetadataExplorer(new MetadataScanner())
      .explore(this.instance as never)
      .map(({ message, callback, methodName, isAckHandledManually }) => ({
        event: message as string,
        method: callback as Method,
        methodName,
        isAckHandledManually,
      }));
  }

  private async scopedInstance(client: Socket): Promise<GatewayHooks> {
    const contextId = this.contextIdOf(client);
    const instance = await this.moduleRef.resolve<GatewayHooks>(this.wrapper.token as Type, contextId, {
      strict: true,
    });
    for (const property in instance) {
      if (Reflect.hasMetadata(GATEWAY_SERVER_METADATA, instance, property))
        Reflect.set(instance, property, this.server);
    }
    return instance;
  }

  /** A client is to Nest's injector what a request is: it is kept at the client, as Nest itself does. */
  private contextIdOf(client: Socket) {
    const contextId = ContextIdFactory.getByRequest(client as object as Record<string, unknown>);
    if (!Reflect.has(client, REQUEST_CONTEXT_ID)) {
      Object.defineProperty(client, REQUEST_CONTEXT_ID, { value: contextId, configurable: true });
      const { payload } = contextId as { readonly payload?: object };
      const request = this.wrapper.isDependencyTreeDurable() ? payload : Object.assign(client, payload);
      this.container.registerRequestProvider(request, contextId);
    }
    return contextId;
  }

  private get moduleRef(): ModuleRef {
    return this.module.getProviderByKey(ModuleRef).instance;
  }

  private async resolveGuard(guard: ConnectionGuard): Promise<CanActivate> {
    if (typeof guard !== 'function') return guard;
    try {
      return this.moduleRef.get(guard, { strict: true });
    } catch {
      // No provider of this module.
      return this.moduleRef.create(guard);
    }
  }
}
