import { type DynamicModule, Logger, Module, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { httpAddress } from './address.js';
import type { Carrier } from './carrier.js';
import { CarrierModule } from './carrier/carrier.module.js';
import { choosePort } from './cluster/choose-port.js';
import { dropsWaitingConnections } from './cluster/connection-migration.js';
import { defaultControlSocket } from './cluster/control-path.js';
import { Operator, OPERATOR_OPTIONS, type OperatorOptions } from './cluster/operator.js';
import { Supervisor } from './cluster/supervisor.js';
import { SUPERVISOR_OPTIONS, type SupervisorOptions } from './cluster/supervisor.options.js';
import { type Config, leaseRedisOf } from './config.js';
import { EmitterModule } from './emitter/emitter.module.js';
import type { FleetControl } from './fleet-status.js';
import { FleetModule } from './fleet/fleet.module.js';
import { FleetDesk } from './fleet/fleet-desk.js';
import { BeatRelay } from './heartbeat/beat-relay.js';
import { HeartbeatModule } from './heartbeat/heartbeat.module.js';
import { JobsModule } from './jobs.module.js';
import { ProcessLogger } from './logger.js';
import { openHostCarrier } from './open-carrier.js';
import { type End, type Program, readConfigOrFail, runProgram } from './program.js';
import { SessionHost } from './sessions/session-host.js';

/** What a worker that ends has on top of its own deadline before it is killed. */
const killGraceMs = 500;

/** What a hanging worker has between SIGTERM and SIGKILL. */
const terminateGraceMs = 2_000;

const firstPauseMs = 250;
const longestPauseMs = 10_000;

@Module({ providers: [Supervisor, Operator] })
class PrimaryModule {
  static forRoot(
    config: Config,
    jobs: Type,
    carrier: Carrier,
    beats: BeatRelay,
    supervisor: SupervisorOptions,
    operator: Omit<OperatorOptions, 'fleet'>,
  ): DynamicModule {
    const { redisKey, heartbeatIntervalMs, leaseMs, hostName } = config;
    return {
      module: PrimaryModule,
      imports: [
        CarrierModule.forRoot(() => carrier, { key: redisKey }),
        EmitterModule.forRoot({ key: redisKey }),
        FleetModule.forRoot({ redis: leaseRedisOf(config), key: redisKey, leaseMs, host: hostName }),
        HeartbeatModule.forRoot({ intervalMs: heartbeatIntervalMs, key: redisKey }, beats),
        jobs,
      ],
      providers: [
        { provide: SUPERVISOR_OPTIONS, useValue: supervisor },
        {
          provide: OPERATOR_OPTIONS,
          useFactory: (desk: FleetDesk) => ({ ...operator, fleet: controlOf(desk, beats) }),
          inject: [FleetDesk],
        },
      ],
    };
  }
}

/** The primary: it supervises, publishes and does what must happen once, and serves no client. */
export async function runPrimary(jobs: Type = JobsModule): Promise<void> {
  const config = readConfigOrFail();
  const running = runProgram({
    start: () => start(config, jobs, (ending) => void running.then((end) => end(ending))),
    signals: ['SIGTERM', 'SIGINT'],
    shutdownTimeoutMs: config.shutdownDrainMs + config.shutdownTimeoutMs + 2 * killGraceMs,
  });
  await running;
}

async function start(config: Config, jobs: Type, end: End): Promise<Program> {
  const logger = new ProcessLogger('primary', config);
  Logger.overrideLogger(logger);
  const port = await choosePort(config.port, config.host);
  if (config.listen === 'reuse-port' && dropsWaitingConnections()) {
    logger.warn(
      'net.ipv4.tcp_migrate_req is 0, so replacing a worker may reset a connection that has just arrived: ' +
        'set it to 1, as deploy/90-nest-io-cluster.conf does',
    );
  }
  const sessions = await SessionHost.open({
    name: config.hostName,
    url: config.advertiseUrl,
    runtimeFolder: config.runtimeFolder,
  });
  const { carrier, attach } = await openHostCarrier(config, sessions.environment.host);
  if (carrier.name !== 'embedded') sessions.announceTo(carrier, config.redisKey);
  const beats = new BeatRelay();
  const module = PrimaryModule.forRoot(
    config,
    jobs,
    carrier,
    beats,
    {
      ...supervisionOf(config),
      environment: { PORT: `${port}`, LISTEN: config.listen, WORKER_SESSIONS: JSON.stringify(sessions.environment) },
      onFork: (worker) => {
        const { ipc, record } = worker;
        const detach = [attach(ipc), sessions.attach(record.id, ipc)];
        // The embedded carrier takes them there by IPC itself.
        if (carrier.name !== 'embedded') detach.push(beats.attach(ipc));
        return () => detach.forEach((undo) => undo());
      },
    },
    {
      controlSocket: config.controlSocket ?? defaultControlSocket(port, config.runtimeFolder),
      place: { host: config.hostName, port, listen: config.listen },
      systemd: config.systemd,
      quorum: config.quorum,
      setLogLevel: (level) => logger.setLevel(level),
      end: () => end(),
    },
  );
  const app = await NestFactory.createApplicationContext(module, { logger, abortOnError: false });
  const supervisor = app.get(Supervisor);
  supervisor.onGivingUp = (error) => {
    logger.fatal(error.message);
    end({ exitCode: 1 });
  };

  const fleet = app.get(FleetDesk);
  await fleet.begin();
  const workers = config.workers === 1 ? '1 worker' : `${config.workers} workers`;
  logger.log(`cluster ready at ${httpAddress(config.host, port)}: ${workers}, ${carrier.name} carrier`);
  await app.get(Operator).declareReady();
  const close = async (): Promise<void> => {
    // First, since another host waits for the lease.
    await fleet.leave();
    await app.close();
    sessions.close();
  };
  return { close, cut: () => supervisor.cut() };
}

function controlOf(desk: FleetDesk, beats: BeatRelay): FleetControl {
  return {
    status: () => desk.status(beats.refused),
    jobs: () => desk.jobs(),
    runJob: (name) => desk.runJob(name),
    releaseLease: () => desk.releaseLease(),
  };
}

function supervisionOf(config: Config): Omit<SupervisorOptions, 'environment' | 'onFork'> {
  return {
    workers: config.workers,
    quorum: config.quorum,
    bootTimeoutMs: config.bootTimeoutMs,
    workerTimeoutMs: config.workerTimeoutMs,
    terminateGraceMs,
    drainMs: config.drainMs,
    shutdownDrainMs: config.shutdownDrainMs,
    drainGraceMs: config.shutdownTimeoutMs + killGraceMs,
    reloadBatch: config.reloadBatch ?? Infinity,
    restarts: config.restartBudget,
    windowMs: config.restartWindowMs,
    healthyMs: config.restartHealthyMs,
    firstPauseMs,
    longestPauseMs,
    maxAgeMs: config.workerMaxAgeMs,
    maxRssBytes: config.workerMaxRssBytes,
  };
}
