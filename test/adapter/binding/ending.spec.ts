import { once } from 'node:events';
import { get } from 'node:http';
import { Controller, type MessageEvent, type OnApplicationShutdown, Sse } from '@nestjs/common';
import { type OnGatewayDisconnect, WebSocketGateway } from '@nestjs/websockets';
import { NEVER, type Observable, startWith } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { Test } from '@nestjs/testing';
import type { AddressInfo } from 'node:net';
import { RedisIoAdapter } from '../../../src/redis-io.adapter.js';
import { adapterNames, serveGateways } from '../../support/gateways.js';
import { startFleet } from '../../support/nodes.js';

@WebSocketGateway()
class LeavingGateway implements OnGatewayDisconnect, OnApplicationShutdown {
  readonly happened: string[] = [];
  /** What `handleDisconnect` waits for: as many turns of the loop, or for ever. */
  turns = 20;

  async handleDisconnect(): Promise<void> {
    for (let turn = 0; turn < this.turns; turn++) await new Promise(setImmediate);
    this.happened.push('disconnected');
  }

  onApplicationShutdown(): void {
    this.happened.push('shut down');
  }
}

describe('an application that ends', () => {
  it.each([
    ['stock', ['shut down']],
    ['ours', ['disconnected', 'disconnected', 'shut down']],
  ] as const)('with the %s adapter has by then %j', async (adapter, order) => {
    const { app, connect } = await serveGateways([LeavingGateway], { adapter });
    const gateway = app.get(LeavingGateway);
    // More turns than Nest’s own adapter happens to take to close.
    gateway.turns = adapter === 'stock' ? 100_000 : 200;
    await connect();
    await connect();

    await app.close();

    expect(gateway.happened).toEqual(order);
    gateway.turns = 0;
  });

  it('does not wait for ever for a handleDisconnect', async () => {
    const { app, connect } = await serveGateways([LeavingGateway], { disconnectTimeoutMs: 50 });
    const gateway = app.get(LeavingGateway);
    gateway.turns = Infinity;
    await connect();

    await app.close();

    expect(gateway.happened).toEqual(['shut down']);
    gateway.turns = 0;
  });

  it('does not wait for an event stream or a request that is open', async () => {
    @Controller()
    class StreamController {
      @Sse('stream')
      stream(): Observable<MessageEvent> {
        return NEVER.pipe(startWith({ data: 'begun' }));
      }
    }
    const module = await Test.createTestingModule({
      controllers: [StreamController],
      providers: [LeavingGateway],
    }).compile();
    const app = module.createNestApplication();
    const carrier = await startFleet('embedded').openCarrier();
    app.useWebSocketAdapter(new RedisIoAdapter(app, { carrier, closeTimeoutMs: 50 }));
    await app.listen(0, '127.0.0.1');
    const { port } = app.getHttpServer().address() as AddressInfo;
    const request = get(`http://127.0.0.1:${port}/stream`);
    const [response] = (await once(request, 'response')) as [NodeJS.ReadableStream];
    const cut = once(response, 'error');
    await once(response, 'data');

    await app.close();

    expect((await cut)[0]).toMatchObject({ code: 'ECONNRESET' });
  });

  it.each(adapterNames)(
    'with the %s adapter tells handleDisconnect once for each client that went before',
    async (adapter) => {
      const { app, connect } = await serveGateways([LeavingGateway], { adapter });
      const gateway = app.get(LeavingGateway);
      gateway.turns = 0;
      for (let client = 0; client < 3; client++) (await connect()).disconnect();
      while (gateway.happened.length < 3) await new Promise(setImmediate);

      await app.close();

      expect(gateway.happened).toEqual(['disconnected', 'disconnected', 'disconnected', 'shut down']);
    },
  );
});
