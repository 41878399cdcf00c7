import {
  type ArgumentsHost,
  BadRequestException,
  type CanActivate,
  Catch,
  type ExceptionFilter,
  ForbiddenException,
  type NestInterceptor,
  StandardSchemaValidationPipe,
  UseFilters,
  UseGuards,
  UseInterceptors,
  UsePipes,
} from '@nestjs/common';
import { APP_FILTER } from '@nestjs/core';
import {
  Ack,
  BaseWsExceptionFilter,
  ConnectedSocket,
  MessageBody,
  type OnGatewayConnection,
  SubscribeMessage,
  WebSocketGateway,
  WsException,
} from '@nestjs/websockets';
import { concat, of, throwError } from 'rxjs';
import type { Socket } from 'socket.io';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { validatePayload } from '../../../src/gateways/validation.js';
import { heardAfter, serveGateways } from '../../support/gateways.js';
import { watchForUnhandled } from '../../support/rejections.js';

const denied: CanActivate = { canActivate: () => false };
const deniedWithReason: CanActivate = {
  canActivate: () => {
    throw new ForbiddenException('members only');
  },
};
const failingInterceptor: NestInterceptor = {
  intercept: () => {
    throw new Error('the interceptor failed');
  },
};
const failingLater: NestInterceptor = { intercept: () => throwError(() => new Error('the interceptor failed')) };

@Catch()
class SilentFilter implements ExceptionFilter {
  catch(): void {}
}

@Catch()
class FailingFilter implements ExceptionFilter {
  catch(): never {
    throw new Error('the filter failed');
  }
}

@Catch()
class RejectingFilter implements ExceptionFilter {
  async catch(): Promise<never> {
    throw new Error('the filter failed');
  }
}

@Catch()
class AnsweringFilter implements ExceptionFilter {
  catch(_: unknown, host: ArgumentsHost): void {
    host.getArgByIndex<(answer: string) => void>(2)('of the filter');
  }
}

class NestsFilter extends BaseWsExceptionFilter {}
Catch()(NestsFilter);

const schema = z.object({ room: z.string({ error: 'must be a string' }) });

@WebSocketGateway()
class AnsweringGateway implements OnGatewayConnection {
  handleConnection(client: Socket): void {
    client.on('listener that throws', () => {
      throw new Error('the listener failed');
    });
    client.on('listener that answers', (acknowledge: (answer: string) => void) => acknowledge('of the listener'));
    client.on('listener that answers twice', (acknowledge: (answer: number) => void) => {
      acknowledge(1);
      acknowledge(2);
    });
  }

  @SubscribeMessage('fence')
  fence(): true {
    return true;
  }

  @SubscribeMessage('nothing')
  nothing(): void {}

  @SubscribeMessage('null')
  null(): null {
    return null;
  }

  @SubscribeMessage('nothing later')
  async nothingLater(): Promise<void> {}

  @SubscribeMessage('nothing in a stream')
  nothingInStream() {
    return of();
  }

  @SubscribeMessage('several in a stream')
  severalInStream() {
    return of('first', 'second', 'third');
  }

  @SubscribeMessage('order')
  order() {
    return { event: 'ordered', id: 7 };
  }

  @SubscribeMessage('order of nothing')
  orderOfNothing() {
    return { event: 'ordered' };
  }

  @SubscribeMessage('response')
  response() {
    return { event: 'responded', data: 7 };
  }

  @UseGuards(denied)
  @SubscribeMessage('denied')
  denied(): void {}

  @UseGuards(deniedWithReason)
  @SubscribeMessage('denied with a reason')
  deniedWithReason(): void {}

  @UsePipes(validatePayload)
  @SubscribeMessage('validated')
  validated(@MessageBody({ schema }) _payload: unknown): void {}

  @UsePipes(new StandardSchemaValidationPipe())
  @SubscribeMessage('validated by Nest')
  validatedByNest(@MessageBody({ schema }) _payload: unknown): void {}

  @SubscribeMessage('throws')
  throws(): never {
    throw new Error('connect to 10.0.0.7 refused');
  }

  @SubscribeMessage('rejects')
  async rejects(): Promise<never> {
    throw new WsException({ code: 'NOT_TODAY', message: 'not today' });
  }

  @SubscribeMessage('throws what is no error')
  throwsUndefined(): never {
    // oxlint-disable-next-line typescript/only-throw-error -- Teams do.
    throw undefined;
  }

  @SubscribeMessage('HTTP exception')
  httpException(): never {
    throw new BadRequestException('too long');
  }

  @SubscribeMessage('stream that fails')
  failingStream() {
    return throwError(() => new Error('the stream failed'));
  }

  @SubscribeMessage('stream that fails at last')
  streamThatFailsAtLast() {
    return concat(
      of('a value'),
      throwError(() => new Error('the stream failed')),
    );
  }

  @UseInterceptors(failingInterceptor)
  @SubscribeMessage('interceptor that throws')
  interceptorThatThrows(): void {}

  @UseInterceptors(failingLater)
  @SubscribeMessage('interceptor that fails')
  interceptorThatFails(): void {}

  @SubscribeMessage('by hand, twice')
  byHandTwice(@Ack() acknowledge: (answer: number) => void): void {
    acknowledge(1);
    acknowledge(2);
  }

  @SubscribeMessage('by hand, but throws')
  byHandButThrows(@Ack() _acknowledge: () => void): never {
    throw new Error('before the answer');
  }

  @UseFilters(SilentFilter)
  @SubscribeMessage('silent filter')
  silentFilter(): never {
    throw new WsException('no');
  }

  @UseFilters(FailingFilter)
  @SubscribeMessage('failing filter')
  failingFilter(): never {
    throw new WsException('no');
  }

  @UseFilters(RejectingFilter)
  @SubscribeMessage('rejecting filter')
  rejectingFilter(): never {
    throw new WsException('no');
  }

  @UseFilters(AnsweringFilter)
  @SubscribeMessage('answering filter')
  answeringFilter(): never {
    throw new WsException('no');
  }

  @UseFilters(NestsFilter)
  @SubscribeMessage('Nest’s filter')
  nestsFilter(): never {
    throw new WsException('no');
  }

  @SubscribeMessage('circle')
  circle() {
    const circle: Record<string, unknown> = {};
    circle['self'] = circle;
    return circle;
  }

  @SubscribeMessage('circle to emit')
  circleToEmit() {
    return { event: 'circle', data: this.circle() };
  }

  @SubscribeMessage('BigInt')
  bigInt() {
    return { big: 1n };
  }

  @SubscribeMessage('getter that throws')
  getter() {
    return {
      get trap(): never {
        throw new Error('the getter failed');
      },
    };
  }

  @SubscribeMessage('event that throws')
  eventGetter() {
    return {
      get event(): never {
        throw new Error('the getter failed');
      },
      data: 7,
    };
  }

  @SubscribeMessage('nested 100,000 deep')
  nested() {
    let nested: unknown[] = [];
    for (let depth = 0; depth < 100_000; depth++) nested = [nested];
    return nested;
  }

  @SubscribeMessage('stream of BigInts')
  streamOfBigInts() {
    return of({ event: 'big', data: 1n }, { event: 'big', data: 2n });
  }

  @SubscribeMessage('emits after disconnect')
  emitsAfterDisconnect(@ConnectedSocket() client: Socket): string {
    client.disconnect();
    client.emit('too late', 7);
    return 'too late';
  }
}

@WebSocketGateway()
class SecondGateway {
  @SubscribeMessage('one fails, one answers')
  answers(): string {
    return 'an answer';
  }

  @SubscribeMessage('one fails, one has nothing')
  hasNothing(): void {}
}

@WebSocketGateway()
class FailingGateway {
  @SubscribeMessage('one fails, one answers')
  failsBesides(): never {
    throw new WsException('no');
  }

  @SubscribeMessage('one fails, one has nothing')
  failsAlone(): never {
    throw new WsException('no');
  }
}

const internalError = { error: { code: 'INTERNAL_ERROR', message: 'The server could not handle this message.' } };
const refused = { error: { code: 'REFUSED', message: 'no' } };
const noRoom = {
  error: {
    code: 'VALIDATION_FAILED',
    message: 'The payload is wrong: room: must be a string.',
    details: [{ field: 'room', expected: 'must be a string' }],
  },
};

type Answers = readonly (readonly unknown[])[];

const cases: readonly (readonly [
  event: string,
  payload: readonly unknown[],
  answers: { readonly stock: Answers | 'no answer'; readonly ours: readonly unknown[] },
])[] = [
  ['nothing', [], { stock: 'no answer', ours: [] }],
  ['nothing later', [], { stock: 'no answer', ours: [] }],
  ['nothing in a stream', [], { stock: 'no answer', ours: [] }],
  ['null', [], { stock: 'no answer', ours: [null] }],
  ['several in a stream', [], { stock: [['first']], ours: ['first'] }],
  ['order', [], { stock: 'no answer', ours: [{ event: 'ordered', id: 7 }] }],
  ['order of nothing', [], { stock: 'no answer', ours: [{ event: 'ordered' }] }],
  ['response', [], { stock: 'no answer', ours: [7] }],
  ['denied', [], { stock: 'no answer', ours: [{ error: { code: 'FORBIDDEN', message: 'Forbidden resource' } }] }],
  [
    'denied with a reason',
    [],
    { stock: 'no answer', ours: [{ error: { code: 'FORBIDDEN', message: 'members only' } }] },
  ],
  ['validated', [{ room: 7, password: 'secret' }], { stock: 'no answer', ours: [noRoom] }],
  ['validated by Nest', [{ room: 7, password: 'secret' }], { stock: 'no answer', ours: [noRoom] }],
  ['throws', [], { stock: 'no answer', ours: [internalError] }],
  ['throws what is no error', [], { stock: 'no answer', ours: [internalError] }],
  ['rejects', [], { stock: 'no answer', ours: [{ error: { code: 'NOT_TODAY', message: 'not today' } }] }],
  ['HTTP exception', [], { stock: 'no answer', ours: [{ error: { code: 'BAD_REQUEST', message: 'too long' } }] }],
  ['stream that fails', [], { stock: 'no answer', ours: [internalError] }],
  ['stream that fails at last', [], { stock: [['a value']], ours: ['a value'] }],
  ['interceptor that throws', [], { stock: 'no answer', ours: [internalError] }],
  ['interceptor that fails', [], { stock: 'no answer', ours: [internalError] }],
  ['by hand, twice', [], { stock: [[1]], ours: [1] }],
  ['by hand, but throws', [], { stock: 'no answer', ours: [internalError] }],
  ['silent filter', [], { stock: 'no answer', ours: [refused] }],
  ['answering filter', [], { stock: [['of the filter']], ours: ['of the filter'] }],
  ['Nest’s filter', [], { stock: 'no answer', ours: [refused] }],
  ['listener that answers', [], { stock: [['of the listener']], ours: ['of the listener'] }],
  ['listener that answers twice', [], { stock: [[1]], ours: [1] }],
  ['one fails, one answers', [], { stock: [['an answer']], ours: ['an answer'] }],
  ['one fails, one has nothing', [], { stock: 'no answer', ours: [refused] }],
  ['nobody serves this', [], { stock: 'no answer', ours: [unknownEvent('nobody serves this')] }],
];

/** These would end the process of Nest's own adapter: see worker-faults.spec.ts. */
const deadly: readonly (readonly [event: string, answer: readonly unknown[]])[] = [
  ['failing filter', [refused]],
  ['rejecting filter', [refused]],
  ['listener that throws', [internalError]],
  ['circle', [internalError]],
  ['circle to emit', [internalError]],
  ['BigInt', [internalError]],
  ['getter that throws', [internalError]],
  ['event that throws', [internalError]],
  ['nested 100,000 deep', [internalError]],
  ['stream of BigInts', [internalError]],
];

describe('the acknowledgement of', () => {
  it.each(cases)('%j with %j is %j', async (event, payload, { stock, ours }) => {
    const gateways = [AnsweringGateway, FailingGateway, SecondGateway];
    const before = await serveGateways(gateways, { adapter: 'stock' });
    const after = await serveGateways(gateways);

    const [heardBefore, heard] = await Promise.all(
      [before, after].map(async ({ connect }) => heardAfter(await connect(), event, ...payload)),
    );

    expect(heardBefore!.acknowledged).toEqual(stock === 'no answer' ? [] : stock);
    expect(heard!.acknowledged).toEqual([ours]);
  });

  it.each(deadly)('%j is %j, and nothing is thrown at the process', async (event, answer) => {
    const nothingUnhandled = watchForUnhandled();
    const { connect } = await serveGateways([AnsweringGateway]);
    const client = await connect();

    expect((await heardAfter(client, event)).acknowledged).toEqual([answer]);
    await nothingUnhandled();
  });

  it('what a handler returns after its client has gone, harms nobody', async () => {
    const nothingUnhandled = watchForUnhandled();
    const { connect } = await serveGateways([AnsweringGateway]);
    const [client, other] = [await connect(), await connect()];
    const gone = new Promise((resolve) => client.once('disconnect', resolve));
    client.emit('emits after disconnect', () => {});

    await gone;

    expect(await other.emitWithAck('fence')).toBe(true);
    await nothingUnhandled();
  });
});

describe('without an acknowledgement', () => {
  it.each([
    ['throws', internalError],
    ['denied', { error: { code: 'FORBIDDEN', message: 'Forbidden resource' } }],
    ['validated', noRoom],
    ['circle to emit', internalError],
    ['failing filter', refused],
  ])('%j is an `exception` event with the same refusal', async (event, refusal) => {
    const { connect } = await serveGateways([AnsweringGateway]);
    const client = await connect();
    const exception = new Promise((resolve) => client.once('exception', resolve));

    client.emit(event, {});

    expect(await exception).toEqual(refusal);
  });

  it('a filter alone says what happens', async () => {
    const { connect } = await serveGateways([AnsweringGateway]);
    const client = await connect();
    const events: unknown[] = [];
    client.onAny((...event) => events.push(event));

    client.emit('silent filter');
    for (let fence = 0; fence < 5; fence++) await client.emitWithAck('fence');

    expect(events).toEqual([]);
  });
});

describe('a global filter', () => {
  it('catches what gateways throw', async () => {
    const caught: unknown[] = [];
    const filter: ExceptionFilter = { catch: (exception) => void caught.push((exception as Error).message) };
    const { connect } = await serveGateways([AnsweringGateway], {
      providers: [{ provide: APP_FILTER, useValue: Object.assign(new SilentFilter(), filter) }],
    });

    const client = await connect();

    expect(await client.emitWithAck('rejects')).toEqual({ error: { code: 'NOT_TODAY', message: 'not today' } });
    expect(caught).toEqual(['not today']);
  });

  it('that knows only HTTP does not take the answer away', async () => {
    const { connect } = await serveGateways([AnsweringGateway], {
      prepare: (app) => app.useGlobalFilters(new HttpOnlyFilter()),
    });

    const client = await connect();

    expect(await client.emitWithAck('rejects')).toEqual({ error: { code: 'NOT_TODAY', message: 'not today' } });
  });
});

describe('what nobody foresaw', () => {
  it('is counted by gateway and event', async () => {
    const { connect, adapter } = await serveGateways([AnsweringGateway]);
    const client = await connect();

    for (const event of ['throws', 'BigInt', 'throws', 'rejects', 'denied']) await client.emitWithAck(event);

    expect(adapter.faults).toEqual([
      { gateway: 'AnsweringGateway', event: 'throws', count: 2 },
      { gateway: 'AnsweringGateway', event: 'BigInt', count: 1 },
    ]);
  });
});

@Catch()
class HttpOnlyFilter implements ExceptionFilter {
  catch(_: unknown, host: ArgumentsHost): void {
    host.switchToHttp().getResponse<{ status(code: number): { json(body: object): void } }>().status(500).json({});
  }
}

function unknownEvent(event: string) {
  return { error: { code: 'UNKNOWN_EVENT', message: `Nothing here serves the event "${event}".` } };
}
