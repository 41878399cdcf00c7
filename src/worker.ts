import cluster from 'node:cluster';
import { type INestApplication, Logger, type Type } from '@nestjs/common';
import { DiscoveryService, MetadataScanner, ModulesContainer } from '@nestjs/core';
import { AppModule } from './app.module.js';
import type { Carrier } from './carrier.js';
import { EmbeddedCarrier } from './carrier/embedded.carrier.js';
import { ipcLink } from './carrier/ipc-link.js';
import { redisCarrierFor } from './carrier/open-redis.js';
import { lastDealt } from './cluster/deal-fence.js';
import { PrimaryLink } from './cluster/primary-link.js';
import { type Config, redisOf } from './config.js';
import { declaredJobs } from './fleet/job-explorer.js';
import { BeatReceiver } from './heartbeat/beat-receiver.js';
import { ProcessLogger } from './logger.js';
import { Readiness } from './ops/readiness.js';
import { readConfigOrFail, runProgram } from './program.js';
import { serve, type Serving, type Siblings } from './serve.js';
import { ServingModule } from './serving.module.js';
import { HostDirectory } from './sessions/host-directory.js';
import { SessionDesk } from './sessions/session-desk.js';

/** The primary has seen Redis already: a worker that cannot reach it starts without, rather than not at all. */
const redisWaitMs = 5_000;

/** After an exception that nobody caught the process should not serve for long. */
const briefDrainMs = 1_000;

/** A worker: a whole Nest application that listens on the port which all workers share. */
export async function runWorker(application: Type = AppModule): Promise<void> {
  const config = readConfigOrFail();
  const logger = new ProcessLogger(`worker ${config.slot}`, config);
  Logger.overrideLogger(logger);
  // Ctrl-C and a closed terminal signal the whole process group; what to do about it is the primary's call.
  for (const signal of ['SIGINT', 'SIGHUP', 'SIGQUIT', 'SIGTTIN', 'SIGTTOU'] as const) process.on(signal, () => {});

  let serving: Serving | undefined;
  const drained = (drainMs: number) => ({
    close: async () => serving?.drain(drainMs),
    timeoutMs: drainMs + config.shutdownTimeoutMs,
  });
  const end = await runProgram({
    start: async () => {
      const carrier = await openCarrier(config);
      const module = ServingModule.forRoot(application, config, carrier);
      const beats = new BeatReceiver(config.heartbeatIntervalMs);
      beats.follow(process);
      serving = await serve(module, config, logger, beats, siblingsOf(config, carrier));
      return { close: drained(0).close, cut: () => {} };
    },
    signals: ['SIGTERM'],
    shutdownTimeoutMs: config.shutdownTimeoutMs,
    afterUncaught: () => drained(briefDrainMs),
  });
  const { app } = serving!;
  warnOfJobs(app);
  const primary = new PrimaryLink();
  primary.listen({
    onDrain: (drainMs) => end(drained(drainMs)),
    onLogLevel: (level) => logger.setLevel(level),
    onDegraded: (degraded) => {
      app.get(Readiness).clusterDegraded = degraded;
    },
  });
  primary.reportReady(() => serving!.connections());
}

/** With `npm start` such a job runs, so somebody would find out in production alone. */
function warnOfJobs(app: INestApplication): void {
  for (const { name } of declaredJobs(new DiscoveryService(app.get(ModulesContainer)), new MetadataScanner())) {
    new Logger('Worker').error(`the job ${name} never runs here: declare it in the primary, as in src/jobs.module.ts`);
  }
}

function siblingsOf(config: Config, carrier: Carrier): Siblings {
  const reusePort = config.listen === 'reuse-port';
  const lastArrived = reusePort ? async () => {} : () => lastDealt(process);
  return { reusePort, lastArrived, sessions: openSessionDesk(config, carrier) };
}

/** Without a primary of this program there are no other workers to bring anything to. */
function openSessionDesk({ sessions, slot = 1, redisKey }: Config, carrier: Carrier): SessionDesk | undefined {
  if (!sessions || !cluster.worker) return undefined;
  const { host, folder } = sessions;
  return new SessionDesk({
    own: { host, slot, fork: cluster.worker.id },
    key: Buffer.from(sessions.key, 'base64'),
    folder,
    primary: process,
    hosts: carrier.name === 'embedded' ? undefined : new HostDirectory(carrier, host, redisKey),
  });
}

async function openCarrier(config: Config): Promise<Carrier> {
  const topology = redisOf(config);
  if (!topology) return new EmbeddedCarrier(ipcLink(process));
  const carrier = redisCarrierFor(topology);
  await carrier.connect(redisWaitMs).catch((error: Error) => {
    new Logger('Worker').warn(`${error.message} Serving this worker's own clients meanwhile.`);
  });
  return carrier;
}
