import path from 'node:path';
import { setTimeout as elapsed } from 'node:timers/promises';
import type { LeaderStatus } from '../../src/fleet-status.js';
import { BeatLog, type BeatReport } from '../support/beat-log.js';
import { statusOf } from '../support/ctl.js';
import { eventually } from '../support/eventually.js';
import { freePort } from '../support/free-port.js';
import { Random } from '../support/random.js';
import { hostNetworks } from '../support/host-networks.js';
import { type GuardedRedis, type RedisWay, startGuardedRedis } from '../support/redis-sentinel.js';
import { type RunningProgram, startProgram } from '../support/start-program.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const leaseMs = 1_500;
const intervalMs = 100;
const clientsPerHost = 20;

/** How far the wall clocks of the hosts are off, in milliseconds. They jump as well. */
const skews = [0, 3_000, -5_000];

interface Host {
  readonly name: string;
  readonly url: string;
  readonly controlSocket: string;
  readonly way: RedisWay;
  program: RunningProgram;
  start(): Promise<void>;
  leader(): Promise<LeaderStatus | undefined>;
}

interface Takeover {
  readonly atMs: number;
  readonly term: number;
  readonly holder: string;
  readonly why: string;
  /** How long nobody led. */
  readonly afterMs: number;
}

interface Fleet {
  readonly hosts: readonly Host[];
  readonly redis: GuardedRedis;
  readonly random: Random;
}

type Fault = (fleet: Fleet) => Promise<string>;

export const faults: Readonly<Record<string, Fault>> = {
  SIGKILL: async (fleet) => {
    const host = await leaderOrAny(fleet);
    host.program.process.kill('SIGKILL');
    await host.program.exited;
    await elapsed(500);
    await host.start();
    return host.name;
  },
  'SIGSTOP and SIGCONT': async (fleet) => {
    const host = await leaderOrAny(fleet);
    host.program.process.kill('SIGSTOP');
    await elapsed(leaseMs * 1.5);
    host.program.process.kill('SIGCONT');
    return host.name;
  },
  'cut network': async (fleet) => {
    const host = await leaderOrAny(fleet);
    await host.way.cut(leaseMs * 1.5);
    return host.name;
  },
  'DEBUG SLEEP': async ({ redis }) => {
    redis.sleep(2);
    await elapsed(2_000);
    return 'master';
  },
  'Redis restart': async ({ redis }) => {
    await redis.restart();
    return 'master';
  },
  'Sentinel failover': async ({ redis }) => {
    await redis.failOver();
    return 'master';
  },
  'graceful stop': async (fleet) => {
    const host = await leaderOrAny(fleet);
    host.program.process.kill('SIGTERM');
    await host.program.exited;
    await host.start();
    return host.name;
  },
};

export interface ChaosReport extends BeatReport {
  readonly faults: readonly string[];
  readonly takeovers: readonly Takeover[];
  readonly refusedBeats: number;
  /** Who led in the end. */
  readonly leaders: readonly string[];
  /** What a client may miss: a lease while its primary is frozen, a beat in a takeover. */
  readonly missingAtMost: number;
}

/** What a client hears while its primary is frozen comes from the next leader; all else is sooner. */
export const longestGapMs = leaseMs + 1_000;

/** Three hosts of two workers, whose wall clocks are seconds apart and jump, under faults in the order of a seed. */
export async function runFleetThroughFaults(seed: number, script: readonly string[], forMs: number) {
  const random = new Random(seed);
  const redis = await startGuardedRedis();
  const fleet: Fleet = { hosts: await startHosts(redis), redis, random };
  const log = new BeatLog();
  for (const { url } of fleet.hosts) log.connect(url, clientsPerHost);
  await eventually(
    () => log.connected,
    (count) => count === fleet.hosts.length * clientsPerHost,
  );
  const startedAt = performance.now();
  const watch = watchLeader(fleet.hosts, startedAt);
  const happened: string[] = [];
  for (let index = 0; index < script.length || performance.now() - startedAt < forMs - 10_000; index++) {
    const name = script[index] ?? random.pick(Object.keys(faults));
    const at = Math.round(performance.now() - startedAt);
    const where = await faults[name]!(fleet);
    happened.push(`${at} ms: ${name} (${where})`);
    await elapsed(300 + random.below(700));
  }
  await eventually(
    () => log.connected,
    (count) => count === fleet.hosts.length * clientsPerHost,
  );
  await elapsed(Math.max(leaseMs, forMs - (performance.now() - startedAt)));
  const leaders = await Promise.all(fleet.hosts.map((host) => host.leader()));
  const refused = await Promise.all(
    fleet.hosts.map(async ({ controlSocket }) => (await statusOf(controlSocket)).fleet.counters.refusedBeats),
  );
  const takeovers = await watch.stop();
  const refusedBeats = refused.reduce((sum, count) => sum + count, 0);
  const freezes = happened.filter((fault) => fault.includes('SIGSTOP')).length;
  const beats = log.report();
  const report: ChaosReport = {
    ...beats,
    faults: happened,
    takeovers,
    refusedBeats,
    leaders: leaders.flatMap((leader) => (leader?.here ? [leader.holder!] : [])),
    missingAtMost: freezes * clientsPerHost * (leaseMs / intervalMs) + takeovers.length * beats.clients,
  };
  process.stdout.write(`${describeReport(seed, report)}\n`);
  return report;
}

async function startHosts(redis: GuardedRedis): Promise<Host[]> {
  const key = `fleet-${process.pid}-${Math.round(performance.now())}`;
  return await Promise.all(
    hostNetworks(skews.length).map(async ({ address, gateway, wrapper }, index) => {
      const way = await redis.openWay(gateway);
      const port = await freePort();
      const name = `host-${index + 1}`;
      const controlSocket = path.join(temporaryFolder(), 'control.sock');
      const env = {
        PORT: `${port}`,
        HOST: address,
        HOST_NAME: name,
        CONTROL_SOCKET: controlSocket,
        REDIS_URL: way.url,
        REDIS_KEY: key,
        LEASE_MS: `${leaseMs}`,
        HEARTBEAT_INTERVAL_MS: `${intervalMs}`,
        CLOCK_SKEW_MS: `${skews[index]}`,
        NODE_OPTIONS: `--import ${path.resolve('test/fixtures/skewed-clock.mjs')}`,
      };
      const start = async (): Promise<void> => {
        host.program = await startProgram({ workers: 2, env, wrapper });
      };
      const leader = async (): Promise<LeaderStatus | undefined> => {
        try {
          return (await statusOf(controlSocket)).fleet.leader;
        } catch {
          // It is down.
          return undefined;
        }
      };
      const host: Host = {
        name,
        url: `http://${address}:${port}`,
        controlSocket,
        way,
        program: await startProgram({ workers: 2, env, wrapper }),
        start,
        leader,
      };
      return host;
    }),
  );
}

async function leaderOrAny({ hosts, random }: Fleet): Promise<Host> {
  const statuses = await Promise.all(hosts.map(async (host) => ({ host, leader: await host.leader() })));
  return statuses.find(({ leader }) => leader?.here)?.host ?? random.pick(hosts);
}

function watchLeader(hosts: readonly Host[], startedAt: number) {
  const takeovers: Takeover[] = [];
  const ended = new AbortController();
  let [term, ledAt] = [0, performance.now()];
  const done = (async () => {
    while (!ended.signal.aborted) {
      // A frozen primary answers nobody.
      const statuses = await Promise.all(hosts.map((host) => Promise.race([host.leader(), elapsed(200, undefined)])));
      const now = performance.now();
      const leader = statuses.find((status) => status?.here && status.term >= term);
      if (leader && leader.term > term) {
        takeovers.push({
          atMs: Math.round(now - startedAt),
          term: leader.term,
          holder: leader.holder!,
          why: leader.why!,
          afterMs: Math.round(now - ledAt),
        });
        term = leader.term;
      }
      if (leader) ledAt = now;
      await elapsed(20);
    }
    return takeovers;
  })();
  return {
    stop: (): Promise<Takeover[]> => {
      ended.abort();
      return done;
    },
  };
}

function describeReport(seed: number, report: ChaosReport): string {
  const { faults: happened, takeovers } = report;
  const { clients, accepted, fewestPerClient, mostPerClient, doubled, backwards, missing } = report;
  return [
    `SEED=${seed}: ${clients} clients accepted ${accepted} beats (${fewestPerClient} to ${mostPerClient} each): ` +
      `${doubled} doubled, ${backwards} backwards, ${missing} missing, longest gap ${report.longestGapMs} ms; ` +
      `workers refused ${report.refusedBeats} of an older term`,
    ...happened,
    ...takeovers.map(
      ({ atMs, term, holder, why, afterMs }) =>
        `${atMs} ms: term ${term}, ${holder} (${why}), nobody led for ${afterMs} ms`,
    ),
  ].join('\n  ');
}
