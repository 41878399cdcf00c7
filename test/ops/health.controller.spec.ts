import type { AddressInfo } from 'node:net';
import { type BeforeApplicationShutdown, Injectable } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { describe, expect, it, onTestFinished } from 'vitest';
import { Carrier, type CarrierHealth } from '../../src/carrier.js';
import { WorkerIdentity } from '../../src/identity.js';
import { HealthController } from '../../src/ops/health.controller.js';
import { Readiness } from '../../src/ops/readiness.js';
import { SlowClientReport } from '../../src/ops/slow-client-report.js';
import { RecordingCarrier } from '../support/recording-carrier.js';

const report = {
  worker: 3,
  host: 'host-a',
  carrier: { name: 'embedded', state: 'connected', lost: 0 },
  refused: 0,
  slowClients: { disconnected: 0, dropped: 0, waitingBytes: 0, largestWaitingBytes: 0 },
};

describe('GET /health', () => {
  it('answers 200 while the process should get new clients', async () => {
    const { app, ask } = await startApplication();

    app.get(Readiness).declareReady();

    expect(await ask()).toEqual({ status: 200, connection: 'keep-alive', health: { status: 'ok', ...report } });
  });

  it('answers 503 while the process is starting, and keeps no connection', async () => {
    const { ask } = await startApplication();

    expect(await ask()).toEqual({ status: 503, connection: 'close', health: { status: 'starting', ...report } });
  });

  it('answers 503 from the first moment of an ending, and keeps no connection', async () => {
    const { app, duringShutdown } = await startApplication();
    app.get(Readiness).declareReady();

    await app.close();

    expect(await duringShutdown()).toEqual({
      status: 503,
      connection: 'close',
      health: { status: 'stopping', ...report },
    });
  });

  it.each(['connecting', 'away', 'degraded', 'closed'] as const)(
    'answers 200, degraded, while the carrier is %s: its own clients are served',
    async (state) => {
      const { app, carrier, ask } = await startApplication();
      app.get(Readiness).declareReady();

      carrier.present = { state, lost: 7 };

      expect(await ask()).toMatchObject({
        status: 200,
        health: { status: 'degraded', carrier: { name: 'embedded', state, lost: 7 } },
      });
    },
  );

  it('answers a monitor that asks with ?strict 503 while it is degraded, and keeps the connection', async () => {
    const { app, carrier, ask } = await startApplication();
    app.get(Readiness).declareReady();
    expect(await ask('?strict')).toMatchObject({ status: 200, health: { status: 'ok' } });

    carrier.present = { state: 'degraded', lost: 0 };

    expect(await ask('?strict')).toMatchObject({
      status: 503,
      connection: 'keep-alive',
      health: { status: 'degraded' },
    });
    expect(await ask()).toMatchObject({ status: 200 });
  });

  it('does not become ready again once the process is ending', async () => {
    const { app, ask } = await startApplication();
    const readiness = app.get(Readiness);

    readiness.onModuleDestroy();
    readiness.declareReady();

    expect(await ask()).toMatchObject({ status: 503, health: { status: 'stopping' } });
  });
});

/** As healthy as a test wants it to be. */
class UnsteadyCarrier extends RecordingCarrier {
  present: CarrierHealth = { state: 'connected', lost: 0 };

  override get health(): CarrierHealth {
    return this.present;
  }
}

/** Asks for the health between the first of Nest's shutdown hooks and the closing of the server. */
@Injectable()
class ShutdownWitness implements BeforeApplicationShutdown {
  ask: () => Promise<unknown> = () => Promise.resolve();
  answer: Promise<unknown> | undefined;

  async beforeApplicationShutdown(): Promise<void> {
    this.answer ??= this.ask();
    await this.answer;
  }
}

async function startApplication() {
  const carrier = new UnsteadyCarrier();
  const module = await Test.createTestingModule({
    controllers: [HealthController],
    providers: [
      Readiness,
      SlowClientReport,
      ShutdownWitness,
      { provide: Carrier, useValue: carrier },
      { provide: WorkerIdentity, useValue: new WorkerIdentity(3, 'host-a') },
    ],
  }).compile();
  const app = module.createNestApplication();
  await app.listen(0, '127.0.0.1');
  onTestFinished(() => app.close());

  const { port } = (app.getHttpServer() as { address(): AddressInfo }).address();
  const ask = async (query = '') => {
    const response = await fetch(`http://127.0.0.1:${port}/health${query}`);
    const health = await response.json();
    return { status: response.status, connection: response.headers.get('connection'), health };
  };
  const witness = app.get(ShutdownWitness);
  witness.ask = ask;
  return { app, carrier, ask, duringShutdown: () => witness.answer };
}
