import {
  type ArgumentMetadata,
  type ArgumentsHost,
  type CallHandler,
  type CanActivate,
  Catch,
  createParamDecorator,
  type ExceptionFilter,
  type ExecutionContext,
  Inject,
  Injectable,
  type NestInterceptor,
  ParseIntPipe,
  type PipeTransform,
  Scope,
  SetMetadata,
  UseFilters,
  UseGuards,
  UseInterceptors,
  UsePipes,
} from '@nestjs/common';
import { APP_GUARD, APP_INTERCEPTOR, APP_PIPE, Reflector, REQUEST } from '@nestjs/core';
import {
  Ack,
  ConnectedSocket,
  MessageBody,
  type OnGatewayConnection,
  type OnGatewayDisconnect,
  SubscribeMessage,
  WebSocketGateway,
  WebSocketServer,
} from '@nestjs/websockets';
import { finalize, map, type Observable, of, Subject, tap } from 'rxjs';
import type { Namespace, Server, Socket } from 'socket.io';
import { describe, expect, it } from 'vitest';
import { next } from '../../support/clients.js';
import { adapterNames, heardAfter, serveGateways } from '../../support/gateways.js';

const Handshake = createParamDecorator(
  (field: string, context: ExecutionContext) =>
    (context.switchToWs().getClient<Socket>().handshake as unknown as Record<string, unknown>)[field],
);

@Injectable()
class Upper implements PipeTransform {
  transform(value: unknown, { type }: ArgumentMetadata): unknown {
    return type === 'body' && typeof value === 'string' ? value.toUpperCase() : value;
  }
}

@Injectable()
class LaterUpper extends Upper {
  override async transform(value: unknown, metadata: ArgumentMetadata): Promise<unknown> {
    await Promise.resolve();
    return super.transform(value, metadata);
  }
}

@Injectable()
class RoleGuard implements CanActivate {
  constructor(@Inject(Reflector) private readonly reflector: Reflector) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const role = this.reflector.get<string | undefined>('role', context.getHandler());
    return role === undefined || context.switchToWs().getData<string>() === role;
  }
}

@Injectable()
class Around implements NestInterceptor {
  intercept(context: ExecutionContext, handler: CallHandler): Observable<unknown> {
    const name = `${context.getClass().name}.${context.getHandler().name}`;
    return handler.handle().pipe(map((result) => ({ around: name, result: result as unknown })));
  }
}

class Teapot extends Error {}

@Catch(Teapot)
class TeapotFilter implements ExceptionFilter {
  catch(_: Teapot, host: ArgumentsHost): void {
    const [client, data, , pattern] = host.getArgs<[Socket, unknown, unknown, string]>();
    client.emit('teapot', { data, pattern });
  }
}

@Catch()
class ClassFilter implements ExceptionFilter {
  catch(_: unknown, host: ArgumentsHost): void {
    host.switchToWs().getClient<Socket>().emit('class filter');
  }
}

const ticks = new Subject<number>();
const finished: string[] = [];

@WebSocketGateway()
class MainGateway {
  @WebSocketServer()
  private readonly server!: Server;

  @SubscribeMessage('fence')
  fence(): true {
    return true;
  }

  @SubscribeMessage('plain')
  plain(client: Socket, data: unknown): unknown {
    return [client.connected, data];
  }

  @SubscribeMessage('decorated')
  decorated(
    @MessageBody('name') name: string,
    @ConnectedSocket() client: Socket,
    @MessageBody('age', ParseIntPipe) age: number,
    @MessageBody() all: unknown,
    @Handshake('xdomain') crossDomain: boolean,
  ): unknown {
    return { name, connected: client.connected, age, all, crossDomain };
  }

  @SubscribeMessage('by hand')
  byHand(@MessageBody() data: string, @Ack() acknowledge: (...results: unknown[]) => void): string {
    setImmediate(() => acknowledge('by hand', data));
    return 'ignored';
  }

  @SubscribeMessage('promise')
  async promise(@MessageBody() data: string): Promise<string> {
    await Promise.resolve();
    return `later ${data}`;
  }

  @SubscribeMessage('falsy')
  falsy(@MessageBody() which: number): unknown {
    return [0, false, ''][which];
  }

  @SubscribeMessage('response')
  response(@MessageBody() data: string) {
    return { event: 'responded', data: { data } };
  }

  @SubscribeMessage('many')
  many(): Observable<unknown> {
    return of({ event: 'one of many', data: 1 }, { event: 'one of many', data: 2 }, { event: 'one of many', data: 3 });
  }

  @SubscribeMessage('later many')
  async laterMany(): Promise<Observable<unknown>> {
    return this.many();
  }

  @SubscribeMessage('ticks')
  ticks(): Observable<unknown> {
    return ticks.pipe(
      map((data) => ({ event: 'tick', data })),
      finalize(() => finished.push('ticks')),
    );
  }

  @UsePipes(Upper)
  @SubscribeMessage('piped')
  piped(@MessageBody() data: string): string {
    return data;
  }

  @UsePipes(LaterUpper, new Upper())
  @SubscribeMessage('piped later')
  pipedLater(@MessageBody() data: string, @ConnectedSocket() client: Socket): unknown {
    return [data, client.connected];
  }

  @UseGuards(RoleGuard)
  @SetMetadata('role', 'admin')
  @SubscribeMessage('guarded')
  guarded(): string {
    return 'you may';
  }

  @UseInterceptors(Around)
  @SubscribeMessage('intercepted')
  intercepted(@MessageBody() data: string): string {
    return data;
  }

  @UseFilters(TeapotFilter)
  @SubscribeMessage('teapot')
  teapot(): never {
    throw new Teapot();
  }

  @SubscribeMessage('everybody')
  everybody(): void {
    this.server.emit('for everybody');
  }
}

@WebSocketGateway()
@UseFilters(ClassFilter)
class SecondGateway {
  @SubscribeMessage('teapot of the class')
  teapot(): never {
    throw new Teapot();
  }

  @UseFilters(TeapotFilter)
  @SubscribeMessage('teapot of the method')
  teapotOfMethod(): never {
    throw new Teapot();
  }

  @SubscribeMessage('second')
  second(): string {
    return 'of the second gateway';
  }

  @SubscribeMessage('everybody')
  everybody(): string {
    return 'the first that is something';
  }
}

const answers: readonly (readonly [event: string, payload: readonly unknown[], answer: readonly unknown[]])[] = [
  ['plain', [7], [[true, 7]]],
  ['plain', [1, 2], [[true, [1, 2]]]],
  ['plain', [[1, 2]], [[true, [1, 2]]]],
  [
    'decorated',
    [{ name: 'ada', age: '36' }],
    [{ name: 'ada', connected: true, age: 36, all: { name: 'ada', age: '36' }, crossDomain: false }],
  ],
  ['by hand', ['data'], ['by hand', 'data']],
  ['promise', ['data'], ['later data']],
  ['falsy', [0], [0]],
  ['falsy', [1], [false]],
  ['falsy', [2], ['']],
  ['piped', ['data'], ['DATA']],
  ['piped later', ['data'], [['DATA', true]]],
  ['guarded', ['admin'], ['you may']],
  ['intercepted', ['data'], [{ around: 'MainGateway.intercepted', result: 'data' }]],
  ['second', [], ['of the second gateway']],
  ['everybody', [], ['the first that is something']],
];

const emitted: readonly (readonly [event: string, payload: readonly unknown[], events: readonly unknown[][]])[] = [
  ['response', ['data'], [['responded', { data: 'data' }]]],
  [
    'many',
    [],
    [
      ['one of many', 1],
      ['one of many', 2],
      ['one of many', 3],
    ],
  ],
  [
    'later many',
    [],
    [
      ['one of many', 1],
      ['one of many', 2],
      ['one of many', 3],
    ],
  ],
  ['teapot', ['data'], [['teapot', { data: 'data', pattern: 'teapot' }]]],
  ['teapot of the class', [], [['class filter']]],
  ['teapot of the method', ['data'], [['teapot', { data: 'data', pattern: 'teapot of the method' }]]],
  ['everybody', [], [['for everybody']]],
];

describe.each(adapterNames)('with the %s adapter, a gateway', (adapter) => {
  const start = () => serveGateways([MainGateway, SecondGateway], { adapter, providers: [RoleGuard, Around, Upper] });

  it.each(answers)('answers %j with %j by %j', async (event, payload, answer) => {
    const { connect } = await start();

    expect((await heardAfter(await connect(), event, ...payload)).acknowledged).toEqual([answer]);
  });

  it.each(emitted)('to %j with %j emits %j', async (event, payload, events) => {
    const { connect } = await start();

    expect((await heardAfter(await connect(), event, ...payload)).events).toEqual(events);
  });

  it('whose guard denies does not call the handler', async () => {
    const { connect } = await start();

    expect((await heardAfter(await connect(), 'guarded', 'user')).acknowledged).not.toContainEqual(['you may']);
  });

  it('stops to emit what an Observable has when its client is gone', async () => {
    const { connect } = await start();
    const client = await connect();
    client.emit('ticks');
    await client.emitWithAck('fence');
    const ticked = next(client as never, 'tick' as never);
    finished.length = 0;
    ticks.next(1);

    expect(await ticked).toEqual([1]);
    expect(ticks.observed).toBe(true);
    const watcher = await connect();
    client.disconnect();
    while (ticks.observed) await watcher.emitWithAck('fence');

    expect(finished).toEqual(['ticks']);
  });

  it('passes global guards, interceptors and pipes', async () => {
    const passed: string[] = [];
    const guard: CanActivate = { canActivate: () => passed.push('guard') > 0 };
    const pipe: PipeTransform = { transform: (value: unknown) => (passed.push('pipe'), value) };
    const interceptor: NestInterceptor = {
      intercept: (_, handler) => handler.handle().pipe(tap(() => passed.push('interceptor'))),
    };
    const { connect } = await serveGateways([MainGateway], {
      adapter,
      providers: [
        { provide: APP_GUARD, useValue: guard },
        { provide: APP_PIPE, useValue: pipe },
        { provide: APP_INTERCEPTOR, useValue: interceptor },
        RoleGuard,
        Around,
        Upper,
      ],
    });

    await (await connect()).emitWithAck('promise', 'data');

    expect(passed).toEqual(['guard', 'pipe', 'interceptor']);
  });

  it('of a dynamic namespace serves each of its namespaces', async () => {
    @WebSocketGateway({ namespace: /^\/tenant-\d+$/ })
    class TenantGateway {
      @WebSocketServer()
      readonly server!: Namespace;

      @SubscribeMessage('where')
      where(@ConnectedSocket() client: Socket): string {
        return client.nsp.name;
      }
    }
    const { connect } = await serveGateways([TenantGateway], { adapter });
    const clients = [await connect('/tenant-1'), await connect('/tenant-2')];

    expect(await Promise.all(clients.map((client) => client.emitWithAck('where')))).toEqual(['/tenant-1', '/tenant-2']);
  });

  it('that is request-scoped has an instance for each client, with its own dependencies', async () => {
    const { connect } = await serveGateways([ScopedGateway], { adapter, providers: [ScopedNotes] });
    const [one, other] = [await connect('/scoped'), await connect('/scoped')];

    expect(await one.emitWithAck('note', 'a')).toEqual({ id: one.id, notes: ['connected', 'a'], hasServer: true });
    expect(await other.emitWithAck('note', 'b')).toEqual({ id: other.id, notes: ['connected', 'b'], hasServer: true });
    expect(await one.emitWithAck('note', 'c')).toMatchObject({ notes: ['connected', 'a', 'c'] });
    const gone = new Promise((resolve) => ScopedGateway.left.subscribe(resolve));
    one.disconnect();

    expect(await gone).toEqual(['connected', 'a', 'c']);
  });

  it('has its own middleware of sockets before its handlers', async () => {
    @WebSocketGateway()
    class PickyGateway implements OnGatewayConnection {
      handleConnection(client: Socket): void {
        client.use(([event], proceed) =>
          setImmediate(() => proceed(event === 'refused' ? new Error('no') : undefined)),
        );
        client.on('error', ({ message }: Error) => client.emit('heard error', message));
      }

      @SubscribeMessage('refused')
      refused(): void {
        finished.push('refused');
      }

      @SubscribeMessage('fence')
      fence(): true {
        return true;
      }
    }
    const { connect } = await serveGateways([PickyGateway], { adapter });
    finished.length = 0;

    expect((await heardAfter(await connect(), 'refused')).events).toEqual([['heard error', 'no']]);
    expect(finished).toEqual([]);
  });
});

@Injectable({ scope: Scope.REQUEST })
class ScopedNotes {
  readonly notes: string[] = [];
}

@WebSocketGateway({ namespace: '/scoped' })
class ScopedGateway implements OnGatewayConnection, OnGatewayDisconnect {
  static readonly left = new Subject<string[]>();

  @WebSocketServer()
  private readonly server!: Namespace;

  constructor(
    @Inject(ScopedNotes) private readonly own: ScopedNotes,
    @Inject(REQUEST) private readonly client: Socket,
  ) {}

  handleConnection(): void {
    this.own.notes.push('connected');
  }

  handleDisconnect(): void {
    ScopedGateway.left.next(this.own.notes);
  }

  @SubscribeMessage('note')
  note(@MessageBody() note: string) {
    this.own.notes.push(note);
    return { id: this.client.id, notes: this.own.notes, hasServer: this.server.name === '/scoped' };
  }
}
