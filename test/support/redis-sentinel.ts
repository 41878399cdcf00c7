import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as elapsed } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { inject, onTestFinished } from 'vitest';
import { eventually } from './eventually.js';
import { freePort } from './free-port.js';
import { type RedisServer, startRedis } from './redis-server.js';

/** A Redis with a replica and a Sentinel, behind addresses that always lead to the master, as a proxy's does. */
export interface GuardedRedis {
  /** One way to it, at this address of ours. */
  openWay(address: string): Promise<RedisWay>;
  /** Has the Sentinel make the replica the master; resolves once the address leads there. */
  failOver(): Promise<void>;
  /** The master answers nobody for so long. */
  sleep(seconds: number): void;
  /** The master is killed and comes back empty. */
  restart(): Promise<void>;
}

export interface RedisWay {
  readonly url: string;
  /** Whatever either side says is lost for so long, and neither hears of it. */
  cut(forMs: number): Promise<void>;
}

const name = 'fleet';
const options = ['--enable-debug-command', 'yes', '--repl-diskless-sync-delay', '0'];

export async function startGuardedRedis(): Promise<GuardedRedis> {
  const binary = inject('redisServer');
  const master = await startRedis(binary, undefined, options);
  const replica = await startRedis(binary, undefined, [...options, '--replicaof', '127.0.0.1', `${master.port}`]);
  const servers = new Map<number, RedisServer>([master, replica].map((server) => [server.port, server]));
  onTestFinished(async () => {
    await Promise.all([...servers.values()].map((server) => server.stop()));
  });
  const sentinel = await startSentinel(binary, master.port);
  const ways: Way[] = [];

  const masterPort = async (): Promise<number> => {
    const [, port] = (await sentinel.call('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', name)) as [string, string];
    return Number(port);
  };
  const watch = setInterval(() => {
    masterPort().then(
      (port) => ways.forEach((way) => way.leadTo(port)),
      () => {},
    );
  }, 100);
  onTestFinished(() => clearInterval(watch));

  return {
    openWay: async (address) => {
      const way = await startWay(await masterPort(), address);
      ways.push(way);
      return way;
    },
    failOver: async () => {
      const before = await masterPort();
      // It refuses until it has seen the replica, and gives up where that is not ready to take over.
      await eventually(
        async () => {
          const port = await masterPort();
          if (port === before) await sentinel.call('SENTINEL', 'FAILOVER', name).catch(String);
          return port;
        },
        (port) => port !== before,
        60_000,
      );
    },
    sleep: (seconds) => {
      masterPort()
        .then(async (port) => {
          const client = new Redis(port, '127.0.0.1', { retryStrategy: () => null });
          client.on('error', () => {});
          await client.call('DEBUG', 'SLEEP', seconds).finally(() => client.disconnect());
        })
        .catch(() => {});
    },
    restart: async () => {
      const port = await masterPort();
      await servers.get(port)!.stop();
      servers.set(port, await startRedis(binary, port, options));
    },
  };
}

/** A Redis with a replica, and three sentinels that agree by two. */
export interface SentinelTrio {
  readonly url: string;
  readonly sentinels: readonly Redis[];
  readonly primaryPort: () => Promise<number>;
  /** The server at this port, which may have been started again. */
  server(port: number): RedisServer;
  restart(port: number): Promise<void>;
  stop(): Promise<void>;
}

/** It outlives a test: whoever starts it stops it. */
export async function startSentinelTrio(binary: string, extra: readonly string[] = []): Promise<SentinelTrio> {
  const server = [...options, '--repl-ping-replica-period', '1', ...extra];
  const primary = await startRedis(binary, undefined, server);
  const replica = await startRedis(binary, undefined, [...server, '--replicaof', '127.0.0.1', `${primary.port}`]);
  const servers = new Map<number, RedisServer>([primary, replica].map((each) => [each.port, each]));
  const started = await Promise.all(
    Array.from({ length: 3 }, () => launchSentinel(binary, primary.port, { quorum: 2, downAfterMs: 500 })),
  );
  const sentinels = started.map(({ client }) => client);
  const [first] = sentinels;
  await eventually(
    () => Promise.all(sentinels.map((sentinel) => knows(sentinel))),
    (known) => known.every(([replicas, others]) => replicas === 1 && others === 2),
  );
  return {
    url: `redis-sentinel://${started.map(({ port }) => `127.0.0.1:${port}`).join(',')}/${name}`,
    sentinels,
    primaryPort: async () => {
      const [, port] = (await first!.call('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', name)) as [string, string];
      return Number(port);
    },
    server: (port) => servers.get(port)!,
    restart: async (port) => void servers.set(port, await startRedis(binary, port, server)),
    stop: async () => {
      await Promise.all([...started, ...servers.values()].map((each) => each.stop()));
    },
  };
}

async function knows(sentinel: Redis): Promise<[replicas: number, sentinels: number]> {
  const fields = (await sentinel.call('SENTINEL', 'MASTER', name)) as string[];
  const field = (key: string): number => Number(fields[fields.indexOf(key) + 1]);
  return [field('num-slaves'), field('num-other-sentinels')];
}

async function startSentinel(binary: string, masterPort: number): Promise<Redis> {
  const { client, stop } = await launchSentinel(binary, masterPort, { quorum: 1, downAfterMs: 4_000 });
  onTestFinished(stop);
  return client;
}

async function launchSentinel(
  binary: string,
  masterPort: number,
  { quorum, downAfterMs }: { quorum: number; downAfterMs: number },
) {
  const port = await freePort();
  const folder = mkdtempSync(path.join(tmpdir(), 'sentinel-'));
  const file = path.join(folder, 'sentinel.conf');
  writeFileSync(
    file,
    [
      `port ${port}`,
      'bind 127.0.0.1',
      `dir ${folder}`,
      `sentinel monitor ${name} 127.0.0.1 ${masterPort} ${quorum}`,
      `sentinel down-after-milliseconds ${name} ${downAfterMs}`,
      `sentinel failover-timeout ${name} 3000`,
    ].join('\n'),
  );
  const sentinel = spawn(binary, [file, '--sentinel'], { stdio: 'ignore' });
  const exited = once(sentinel, 'exit');
  const client = new Redis(port, '127.0.0.1', { retryStrategy: () => 50 });
  client.on('error', () => {});
  const stop = async (): Promise<void> => {
    client.disconnect();
    sentinel.kill('SIGKILL');
    await exited;
    rmSync(folder, { recursive: true, force: true });
  };
  await once(client, 'ready').catch(() => once(client, 'ready'));
  return { port, client, stop };
}

interface Way extends RedisWay {
  leadTo(port: number): void;
}

async function startWay(first: number, address: string): Promise<Way> {
  let target = first;
  const pairs = new Set<readonly [Socket, Socket]>();
  const drop = (pair: readonly [Socket, Socket]): void => {
    pairs.delete(pair);
    for (const socket of pair) socket.destroy();
  };
  const server = createServer((client) => {
    const pair = [client, connect(target, '127.0.0.1')] as const;
    pairs.add(pair);
    for (const socket of pair) socket.on('error', () => drop(pair)).on('close', () => drop(pair));
    pair[0].on('data', (data) => isCut || pair[1].write(data));
    pair[1].on('data', (data) => isCut || pair[0].write(data));
  }).listen(0, address);
  let isCut = false;
  await once(server, 'listening');
  onTestFinished(() => {
    server.close();
    for (const pair of pairs) drop(pair);
  });
  return {
    url: `redis://${address}:${(server.address() as AddressInfo).port}`,
    cut: async (forMs) => {
      isCut = true;
      await elapsed(forMs);
      isCut = false;
      // Parts of what was said are missing.
      for (const pair of pairs) drop(pair);
    },
    leadTo: (port) => {
      if (port === target) return;
      target = port;
      for (const pair of pairs) drop(pair);
    },
  };
}
