import 'reflect-metadata';
import { Logger, type DynamicModule, Module } from '@nestjs/common';
import { httpAddress } from './address.js';
import { AppModule } from './app.module.js';
import type { Carrier } from './carrier.js';
import { choosePort } from './cluster/choose-port.js';
import { type Config, leaseRedisOf } from './config.js';
import { FleetModule } from './fleet/fleet.module.js';
import { FleetDesk } from './fleet/fleet-desk.js';
import { BeatReceiver } from './heartbeat/beat-receiver.js';
import { BeatRelay } from './heartbeat/beat-relay.js';
import { HeartbeatModule } from './heartbeat/heartbeat.module.js';
import { JobsModule } from './jobs.module.js';
import { ProcessLogger } from './logger.js';
import { openHostCarrier } from './open-carrier.js';
import { type Program, readConfigOrFail, runProgram } from './program.js';
import { serve } from './serve.js';
import { ServingModule } from './serving.module.js';

/** One process for development: it serves clients, and does what the primary does in a cluster. */
@Module({})
class MainModule {
  static forRoot(config: Config, carrier: Carrier, beats: BeatRelay): DynamicModule {
    const { redisKey: key, heartbeatIntervalMs: intervalMs, leaseMs, hostName } = config;
    return {
      module: MainModule,
      imports: [
        ServingModule.forRoot(AppModule, config, carrier),
        FleetModule.forRoot({ redis: leaseRedisOf(config), key, leaseMs, host: hostName }),
        HeartbeatModule.forRoot({ intervalMs, key }, beats),
        JobsModule,
      ],
    };
  }
}

async function start(config: Config): Promise<Program> {
  const logger = new ProcessLogger('nest-io', config);
  Logger.overrideLogger(logger);
  const port = await choosePort(config.port, config.host);
  const { carrier } = await openHostCarrier(config);
  const relay = new BeatRelay();
  const receiver = new BeatReceiver(config.heartbeatIntervalMs);
  if (carrier.name !== 'embedded') relay.onBeat((beat) => receiver.take(beat));
  const serving = await serve(MainModule.forRoot(config, carrier, relay), { ...config, port }, logger, receiver);
  const fleet = serving.app.get(FleetDesk);
  await fleet.begin();

  logger.log(`ready at ${httpAddress(config.host, port)}: one process, ${carrier.name} carrier`);
  const close = async (): Promise<void> => {
    await fleet.leave();
    await serving.drain(0);
  };
  return { close, cut: () => {} };
}

const config = readConfigOrFail();
await runProgram({
  start: () => start(config),
  signals: ['SIGTERM', 'SIGINT'],
  shutdownTimeoutMs: config.shutdownTimeoutMs,
});
