import { type CanActivate, Inject, Injectable, type PipeTransform, type Provider } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { RedisIoAdapter } from '../src/redis-io.adapter.js';
import { CarrierModule } from '../src/carrier/carrier.module.js';
import {
  CLUSTER_IO_OPTIONS,
  ProviderMissingError,
  setupClusterIo,
  SetupTooLateError,
  UseConnectionGuards,
} from '../src/index.js';
import { next, openUntyped } from './support/clients.js';
import { startFleet } from './support/nodes.js';

@WebSocketGateway()
class GreetingGateway {
  @SubscribeMessage('greet')
  greet(_: unknown, greeting: string): string {
    return greeting;
  }
}

@Injectable()
class NeedyGuard implements CanActivate {
  constructor(@Inject('MISSING') private readonly missing: unknown) {}

  canActivate(): boolean {
    return this.missing !== undefined;
  }
}

@WebSocketGateway()
@UseConnectionGuards(NeedyGuard)
class NeedyGateway {}

describe('setupClusterIo', () => {
  it('serves the gateways with the carrier that the application provides', async () => {
    const app = await createApp([GreetingGateway]);

    const adapter = await setupClusterIo(app);
    await app.listen(0, '127.0.0.1');

    expect(await greetingOf(app)).toBe('hello');
    expect(adapter).toBeInstanceOf(RedisIoAdapter);
    expect(adapter.connections).toBe(1);
  });

  it.each([
    ['with a carrier', 'RedisIoAdapter'],
    ['without one', 'PROVIDER_MISSING'],
  ])('comes to an end in an application that ends the process for what it cannot find: %s', async (which, said) => {
    const program = fork('dist/test/fixtures/setup.server.js', [which]);
    const exited = once(program, 'exit');

    const [message] = (await Promise.race([once(program, 'message'), exited])) as [unknown];

    expect(message).toBe(said);
    expect(await exited).toEqual([0, null]);
  });

  it('takes its options from a provider', async () => {
    const options = { server: { path: '/from-options' } };
    const app = await createApp([GreetingGateway, { provide: CLUSTER_IO_OPTIONS, useValue: options }]);

    await setupClusterIo(app);
    await app.listen(0, '127.0.0.1');

    expect(await greetingOf(app, '/from-options')).toBe('hello');
  });

  it('leaves room for what is made global after it', async () => {
    const app = await createApp([GreetingGateway]);
    const shout: PipeTransform = { transform: (value: unknown) => (typeof value === 'string' ? `${value}!` : value) };

    await setupClusterIo(app);
    app.useGlobalPipes(shout);
    await app.listen(0, '127.0.0.1');

    expect(await greetingOf(app)).toBe('hello!');
  });

  it('uses the key of the publisher', async () => {
    const fleet = startFleet('embedded');
    const carrier = await fleet.openCarrier();
    const app = await createApp([GreetingGateway], { carrier, key: 'team-a' });

    const adapter = await setupClusterIo(app);
    await app.init();
    await adapter.subscribed();

    expect(await carrier.subscribers('team-a-request#/#')).toBe(1);
  });

  it.each(['init', 'listen'] as const)('after app.%s() says where it belongs', async (start) => {
    const app = await createApp([GreetingGateway]);
    await (start === 'init' ? app.init() : app.listen(0, '127.0.0.1'));

    const setup = setupClusterIo(app);

    await expect(setup).rejects.toThrow(SetupTooLateError);
    await expect(setup).rejects.toThrow('before `app.init()` or `app.listen(…)`');
  });

  it('without a carrier names the module that has one', async () => {
    const app = (await Test.createTestingModule({ providers: [GreetingGateway] }).compile()).createNestApplication();
    const setup = setupClusterIo(app);

    await expect(setup).rejects.toThrow(ProviderMissingError);
    await expect(setup).rejects.toThrow('CarrierModule.forRoot');
  });

  it('rejects when a guard for connections cannot be made', async () => {
    await expect(setupClusterIo(await createApp([NeedyGateway]))).rejects.toThrow('MISSING');
  });
});

describe('the adapter’s class', () => {
  it('used too late says where it belongs, as well', async () => {
    const app = await createApp([GreetingGateway]);
    const carrier = await startFleet('embedded').openCarrier();
    await app.init();

    expect(() => new RedisIoAdapter(app, { carrier })).toThrow(SetupTooLateError);
  });
});

async function createApp(
  providers: Provider[],
  options: { carrier?: Awaited<ReturnType<typeof openCarrier>>; key?: string } = {},
) {
  const { carrier = await openCarrier(), key = 'socket.io' } = options;
  const imports = [CarrierModule.forRoot(() => carrier, { key })];
  const app = (await Test.createTestingModule({ imports, providers }).compile()).createNestApplication();
  onTestFinished(() => app.close());
  return app;
}

function openCarrier() {
  return startFleet('embedded').openCarrier();
}

async function greetingOf(app: Awaited<ReturnType<typeof createApp>>, path = '/socket.io'): Promise<unknown> {
  const { port } = app.getHttpServer().address() as AddressInfo;
  const client = openUntyped(`http://127.0.0.1:${port}`, { path });
  await next(client as never, 'connect' as never);
  return client.emitWithAck('greet', 'hello');
}
