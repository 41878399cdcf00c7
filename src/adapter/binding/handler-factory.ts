import type { ArgumentMetadata, CanActivate, PipeTransform } from '@nestjs/common';
import { EXCEPTION_FILTERS_METADATA, selectExceptionFilterMetadata } from '@nestjs/common/internal';
import type { ContextId, NestContainer } from '@nestjs/core';
import {
  BaseExceptionFilterContext,
  ExecutionContextHost,
  FORBIDDEN_MESSAGE,
  GuardsConsumer,
  GuardsContextCreator,
  InterceptorsConsumer,
  InterceptorsContextCreator,
  ParamsTokenFactory,
  PipesConsumer,
  PipesContextCreator,
  STATIC_CONTEXT,
} from '@nestjs/core/internal';
import { WsException } from '@nestjs/websockets';
import { ExceptionFiltersContext } from '@nestjs/websockets/context/exception-filters-context.js';
import { WsContextCreator } from '@nestjs/websockets/context/ws-context-creator.js';
import { WsProxy } from '@nestjs/websockets/context/ws-proxy.js';
import { isObservable, lastValueFrom } from 'rxjs';
import type { HandlerArguments } from './handler.js';

export type Method = (...args: unknown[]) => unknown;

/** Where a method belongs to, as Nest's own contexts name it. */
export interface MethodPlace {
  readonly instance: object;
  readonly methodName: string;
  readonly moduleKey: string;
  readonly contextId?: ContextId;
  readonly inquirerId?: string;
}

export interface HandlerCalls {
  readonly call: (args: HandlerArguments) => unknown;
  readonly filter: (exception: unknown, args: HandlerArguments) => Promise<boolean>;
}

interface Parameter {
  readonly index: number;
  readonly extract: (...args: readonly unknown[]) => unknown;
  readonly metadata: ArgumentMetadata;
  readonly pipes: readonly PipeTransform[];
}

/**
 * Puts guards, pipes, interceptors and filters around the method of a gateway, found by Nest's own context creators.
 *
 * Nest's own composition binds each handler to each client, swallows exceptions before anybody could answer them, and
 * passes through a promise for each step whether or not it has something to wait for. This one is shared by all
 * clients, throws, and waits only for what is a promise.
 */
export class HandlerFactory {
  private readonly guards: GuardsContextCreator;
  private readonly interceptors: InterceptorsContextCreator;
  private readonly pipes: PipesContextCreator;
  private readonly filters: FilterContext;
  private readonly contexts: WsContextCreator;
  private readonly interceptorsConsumer = new InterceptorsConsumer();
  private readonly tokens = new ParamsTokenFactory();

  constructor(container: NestContainer) {
    const config = container.applicationConfig;
    this.guards = new GuardsContextCreator(container, config);
    this.interceptors = new InterceptorsContextCreator(container, config);
    this.pipes = new PipesContextCreator(container, config);
    this.filters = new FilterContext(container);
    // Only for what it knows of parameters.
    this.contexts = new WsContextCreator(
      new WsProxy(),
      new ExceptionFiltersContext(container),
      this.pipes,
      new PipesConsumer(),
      this.guards,
      new GuardsConsumer(),
      this.interceptors,
      this.interceptorsConsumer,
    );
  }

  create(method: Method, place: MethodPlace): HandlerCalls {
    const filters = this.filters.filtersOf(method, place);
    return {
      call: this.composeCall(method, place),
      filter: async (exception, args) => {
        const filter = selectExceptionFilterMetadata(filters, exception);
        if (!filter) return false;
        const host = new ExecutionContextHost([...args]);
        host.setType('ws');
        await filter.func(exception, host);
        return true;
      },
    };
  }

  private composeCall(method: Method, place: MethodPlace): (args: HandlerArguments) => unknown {
    const { instance, moduleKey, contextId = STATIC_CONTEXT, inquirerId } = place;
    const guards = this.guards.create(instance, method, moduleKey, contextId, inquirerId);
    const interceptors = this.interceptors.create(instance, method, moduleKey, contextId, inquirerId);
    const invoke = this.composeInvocation(method, place);
    const intercepted =
      interceptors.length === 0
        ? invoke
        : (args: HandlerArguments) =>
            this.interceptorsConsumer.intercept(
              interceptors,
              args as unknown as unknown[],
              instance,
              method,
              async () => invoke(args),
              'ws',
            );
    if (guards.length === 0) return intercepted;
    return (args) => {
      const allowed = activate(guards, args, instance, method);
      return isPromise(allowed) ? allowed.then(() => intercepted(args)) : intercepted(args);
    };
  }

  private composeInvocation(method: Method, place: MethodPlace): (args: HandlerArguments) => unknown {
    const { instance } = place;
    const { argsLength, parameters } = this.parametersOf(method, place);
    return (args) => {
      const values: unknown[] = Array(argsLength).fill(undefined);
      let waits: Promise<void>[] | undefined;
      for (const { index, extract, metadata, pipes } of parameters) {
        const value = tryPipes(extract, args, metadata, pipes);
        if (isPromise(value)) (waits ??= []).push(value.then((transformed) => void (values[index] = transformed)));
        else values[index] = value;
      }
      return waits ? Promise.all(waits).then(() => method.apply(instance, values)) : method.apply(instance, values);
    };
  }

  private parametersOf(method: Method, { instance, methodName, moduleKey, contextId, inquirerId }: MethodPlace) {
    const { argsLength, paramtypes, getParamsMetadata } = this.contexts.getMetadata(instance, methodName, 'ws');
    const common = this.pipes.create(instance, method, moduleKey, contextId ?? STATIC_CONTEXT, inquirerId);
    const parameters = getParamsMetadata(moduleKey).map(({ index, extractValue, type, data, pipes, schema }) => ({
      index,
      extract: extractValue as Parameter['extract'],
      pipes: [...common, ...pipes],
      metadata: {
        metatype: paramtypes?.[index],
        type: this.tokens.exchangeEnumForString(type as number),
        data: data as string,
        ...(schema !== undefined && { schema }),
      } as ArgumentMetadata,
    }));
    return { argsLength, parameters: parameters as readonly Parameter[] };
  }
}

/** Also knows the application's global filters, which Nest leaves out for gateways. */
class FilterContext extends BaseExceptionFilterContext {
  private readonly config: NestContainer['applicationConfig'];

  constructor(container: NestContainer) {
    super(container);
    this.config = container.applicationConfig;
  }

  /** The one that is declared closest to the method comes first. */
  filtersOf(method: Method, { instance, moduleKey, contextId = STATIC_CONTEXT, inquirerId }: MethodPlace) {
    this.moduleContext = moduleKey;
    return this.createContext<unknown[], Filter[]>(
      instance,
      method,
      EXCEPTION_FILTERS_METADATA,
      contextId,
      inquirerId,
    ).toReversed();
  }

  // oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- As Nest declares it.
  override getGlobalMetadata<T extends unknown[]>(contextId: ContextId = STATIC_CONTEXT, inquirerId?: string): T {
    const { config } = this;
    if (!config) return [] as unknown as T;
    const scoped =
      contextId === STATIC_CONTEXT && !inquirerId
        ? []
        : config
            .getGlobalRequestFilters()
            .map((wrapper) => wrapper.getInstanceByContextId(contextId, inquirerId).instance);
    return [...config.getGlobalFilters(), ...scoped.filter(Boolean)] as unknown as T;
  }
}

type Filter = Parameters<typeof selectExceptionFilterMetadata>[0][number];

/** @throws WsException when one of the guards denies. */
function activate(
  guards: readonly CanActivate[],
  args: HandlerArguments,
  instance: object,
  method: Method,
): void | Promise<void> {
  const context = new ExecutionContextHost(args as unknown as unknown[], instance.constructor as never, method);
  context.setType('ws');
  for (const [index, guard] of guards.entries()) {
    const verdict = guard.canActivate(context);
    if (typeof verdict !== 'boolean') return activateFrom(guards, index, verdict, context);
    if (!verdict) throw new WsException(FORBIDDEN_MESSAGE);
  }
}

async function activateFrom(
  guards: readonly CanActivate[],
  index: number,
  first: ReturnType<CanActivate['canActivate']>,
  context: ExecutionContextHost,
): Promise<void> {
  let verdict = first;
  for (let current = index; ;) {
    if (!(await (isObservable(verdict) ? lastValueFrom(verdict) : verdict))) throw new WsException(FORBIDDEN_MESSAGE);
    current++;
    if (current >= guards.length) return;
    verdict = guards[current]!.canActivate(context);
  }
}

/** Rejects instead of throwing: a parameter that is still being transformed must not be left without a listener. */
function tryPipes(
  extract: Parameter['extract'],
  args: HandlerArguments,
  metadata: ArgumentMetadata,
  pipes: readonly PipeTransform[],
): unknown {
  try {
    return applyPipes(extract(...args), metadata, pipes);
  } catch (error) {
    return Promise.reject(error);
  }
}

function applyPipes(value: unknown, metadata: ArgumentMetadata, pipes: readonly PipeTransform[]): unknown {
  let result = value;
  for (let index = 0; index < pipes.length; index++) {
    result = pipes[index]!.transform(result, metadata);
    if (isPromise(result)) return applyRest(result, metadata, pipes, index + 1);
  }
  return result;
}

async function applyRest(
  first: Promise<unknown>,
  metadata: ArgumentMetadata,
  pipes: readonly PipeTransform[],
  from: number,
): Promise<unknown> {
  let result = await first;
  for (const pipe of pipes.slice(from)) result = await pipe.transform(result, metadata);
  return result;
}

export function isPromise(value: unknown): value is Promise<unknown> {
  return typeof (value as { then?: unknown } | null | undefined)?.then === 'function';
}
