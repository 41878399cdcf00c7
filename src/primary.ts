import { type DynamicModule, Logger, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { httpAddress } from './address.js';
import type { Carrier } from './carrier.js';
import { CarrierModule } from './carrier/carrier.module.js';
import { EmbeddedCarrier } from './carrier/embedded.carrier.js';
import { EmbeddedHub } from './carrier/embedded-hub.js';
import { ipcLink } from './carrier/ipc-link.js';
import { localLink } from './carrier/local-link.js';
import { RedisCarrier } from './carrier/redis.carrier.js';
import { choosePort } from './cluster/choose-port.js';
import { Supervisor, SUPERVISOR_OPTIONS, type SupervisorOptions } from './cluster/supervisor.js';
import type { Config } from './config.js';
import { EmitterModule } from './emitter/emitter.module.js';
import { HeartbeatModule } from './heartbeat/heartbeat.module.js';
import { ProcessLogger } from './logger.js';
import { type Program, readConfigOrFail, runProgram } from './program.js';

/** How long a worker may take to become ready. */
const bootTimeoutMs = 60_000;

/** What a worker that ends has on top of its own deadline before it is killed. */
const killGraceMs = 500;

@Module({ providers: [Supervisor] })
class PrimaryModule {
  static forRoot(
    { redisKey, heartbeatIntervalMs }: Config,
    carrier: Carrier,
    supervisor: SupervisorOptions,
  ): DynamicModule {
    return {
      module: PrimaryModule,
      imports: [
        CarrierModule.forRoot(() => carrier, { key: redisKey }),
        EmitterModule.forRoot({ key: redisKey }),
        HeartbeatModule.forRoot({ intervalMs: heartbeatIntervalMs }),
      ],
      providers: [{ provide: SUPERVISOR_OPTIONS, useValue: supervisor }],
    };
  }
}

/** The primary: it supervises and publishes, and serves no client. */
export async function runPrimary(): Promise<void> {
  const config = readConfigOrFail();
  await runProgram({
    start: () => start(config),
    signals: ['SIGTERM', 'SIGINT'],
    shutdownTimeoutMs: config.shutdownTimeoutMs + 2 * killGraceMs,
  });
}

async function start(config: Config): Promise<Program> {
  const logger = new ProcessLogger('primary', config);
  Logger.overrideLogger(logger);
  const port = await choosePort(config.port, config.host);
  const { carrier, onFork } = await openCarrier(config);
  const module = PrimaryModule.forRoot(config, carrier, {
    workers: config.workers,
    port,
    bootTimeoutMs,
    drainTimeoutMs: config.shutdownTimeoutMs + killGraceMs,
    ...(onFork && { onFork }),
  });
  const app = await NestFactory.createApplicationContext(module, { logger, abortOnError: false });

  const workers = config.workers === 1 ? '1 worker' : `${config.workers} workers`;
  logger.log(`cluster ready at ${httpAddress(config.host, port)}: ${workers}, ${carrier.name} carrier`);
  return { close: () => app.close(), cut: () => app.get(Supervisor).cut() };
}

async function openCarrier(config: Config): Promise<{ carrier: Carrier } & Pick<SupervisorOptions, 'onFork'>> {
  if (config.redisUrl === undefined) {
    const hub = new EmbeddedHub();
    const link = localLink();
    hub.attach(link.hub);
    return {
      carrier: new EmbeddedCarrier(link.process),
      onFork: (worker) => hub.attach(ipcLink(worker.process)),
    };
  }
  const carrier = new RedisCarrier({ url: config.redisUrl });
  await carrier.connect(config.redisConnectTimeoutMs);
  return { carrier };
}
