import { Logger, type Type } from '@nestjs/common';
import { AppModule } from './app.module.js';
import type { Carrier } from './carrier.js';
import { EmbeddedCarrier } from './carrier/embedded.carrier.js';
import { ipcLink } from './carrier/ipc-link.js';
import { RedisCarrier } from './carrier/redis.carrier.js';
import { onStop, reportReady } from './cluster/worker-process.js';
import type { Config } from './config.js';
import { ProcessLogger } from './logger.js';
import { type Program, readConfigOrFail, runProgram } from './program.js';
import { serve } from './serve.js';
import { ServingModule } from './serving.module.js';

/** The primary has seen Redis already: a worker that cannot reach it starts without, rather than not at all. */
const redisWaitMs = 5_000;

/** A worker: a whole Nest application that listens on the port which all workers share. */
export async function runWorker(application: Type = AppModule): Promise<void> {
  const config = readConfigOrFail();
  // Ctrl-C signals the whole process group; when to stop is the primary's call.
  process.on('SIGINT', () => {});
  const { end } = await runProgram({
    start: () => start(application, config),
    signals: ['SIGTERM'],
    shutdownTimeoutMs: config.shutdownTimeoutMs,
  });
  onStop(end);
  reportReady();
}

async function start(application: Type, config: Config): Promise<Program> {
  const logger = new ProcessLogger(`worker ${config.slot}`, config);
  Logger.overrideLogger(logger);
  const app = await serve(ServingModule.forRoot(application, config, await openCarrier(config)), config, logger);
  return { close: () => app.close(), cut: () => {} };
}

async function openCarrier({ redisUrl }: Config): Promise<Carrier> {
  if (redisUrl === undefined) return new EmbeddedCarrier(ipcLink(process));
  const carrier = new RedisCarrier({ url: redisUrl });
  await carrier.connect(redisWaitMs).catch((error: Error) => {
    new Logger('Worker').warn(`${error.message} Serving this worker's own clients meanwhile.`);
  });
  return carrier;
}
