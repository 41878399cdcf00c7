import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Redis } from 'ioredis';
import { eventually } from './eventually.js';
import { freePort } from './free-port.js';
import { type RedisServer, startRedis } from './redis-server.js';

/** Three primaries, and a replica of each. */
export interface RedisCluster {
  /** Of all six. */
  readonly url: string;
  readonly ports: readonly number[];
  readonly options: readonly string[];
  /** The server at this port, which may have been started again. */
  server(port: number): RedisServer;
  /** A connection for a test's own questions to the node at this port. */
  ask(port: number): Redis;
  /** The port of the primary that serves a slot, as the cluster agrees. */
  ownerOf(slot: number): Promise<number>;
  replicaOf(primaryPort: number): Promise<number>;
  /** Gives a slot to another primary, as `redis-cli --cluster reshard` does. */
  migrate(slot: number, from: number, to: number): Promise<void>;
  /** Starts a node again that was stopped; it comes back as what the others say it is. */
  restart(port: number): Promise<void>;
  stop(): Promise<void>;
}

const slotCount = 16_384;

const clusterOptions = [
  ['--cluster-enabled', 'yes'],
  ['--cluster-node-timeout', '1000'],
  // A replica takes over however long it has not heard of its primary, and counts once it has heard of an offset.
  ['--cluster-replica-validity-factor', '0'],
  ['--repl-ping-replica-period', '1'],
  ['--repl-diskless-sync-delay', '0'],
].flat();

type SlotRange = [first: number, last: number, primary: [string, number], replica: [string, number]];

/** @param extra are further options of each server. */
export async function startCluster(binary: string, extra: readonly string[] = []): Promise<RedisCluster> {
  const clients = new Map<number, Redis>();
  const servers = new Map<number, RedisServer>();
  const optionsOf = new Map<number, string[]>();
  const folders: string[] = [];
  const launch = async (): Promise<number> => {
    // What it knows of the others outlives a node's process.
    const folder = await mkdtemp(path.join(tmpdir(), 'redis-node-'));
    folders.push(folder);
    const options = [...clusterOptions, '--cluster-port', `${await freePort()}`, '--dir', folder, ...extra];
    const server = await startRedis(binary, undefined, options);
    servers.set(server.port, server);
    optionsOf.set(server.port, options);
    return server.port;
  };
  const ask = (port: number): Redis => {
    const client = clients.get(port) ?? new Redis(port, '127.0.0.1', { retryStrategy: () => 50 }).on('error', () => {});
    clients.set(port, client);
    return client;
  };
  const idOf = (port: number): Promise<string> => ask(port).cluster('MYID');

  const ports = await Promise.all(Array.from({ length: 6 }, launch));
  const [primaries, replicas] = [ports.slice(0, 3), ports.slice(3)];
  await Promise.all(
    primaries.map(async (port, index) => {
      const [first, last] = [index, index + 1].map((part) => Math.floor((slotCount * part) / 3));
      await ask(port).cluster('SET-CONFIG-EPOCH', index + 1);
      await ask(port).call('CLUSTER', 'ADDSLOTSRANGE', first!, last! - 1);
    }),
  );
  for (const port of ports.slice(1)) {
    const busPort = optionsOf.get(ports[0]!)![clusterOptions.length + 1]!;
    await ask(port).call('CLUSTER', 'MEET', '127.0.0.1', ports[0]!, busPort);
  }
  await eventually(
    () => knownBy(ports),
    (known) => known.every((count) => count === 6),
  );
  await Promise.all(
    replicas.map(async (port, index) => ask(port).call('CLUSTER', 'REPLICATE', await idOf(primaries[index]!))),
  );

  const cluster: RedisCluster = {
    url: `redis://${ports.map((port) => `127.0.0.1:${port}`).join(',')}`,
    ports,
    options: extra,
    server: (port) => servers.get(port)!,
    ask,
    ownerOf: async (slot) => {
      const [owner] = await eventually(
        () => ownersOf(slot),
        (owners) => owners[0] !== undefined && new Set(owners).size === 1,
      );
      return owner!;
    },
    replicaOf: async (primaryPort) => {
      const slots = (await ask(primaryPort).cluster('SLOTS')) as unknown as SlotRange[];
      return slots.find(([, , [, port]]) => port === primaryPort)![3][1];
    },
    migrate: async (slot, from, to) => {
      const target = await idOf(to);
      await ask(to).call('CLUSTER', 'SETSLOT', slot, 'IMPORTING', await idOf(from));
      await ask(from).call('CLUSTER', 'SETSLOT', slot, 'MIGRATING', target);
      await ask(to).call('CLUSTER', 'SETSLOT', slot, 'NODE', target);
      await ask(from).call('CLUSTER', 'SETSLOT', slot, 'NODE', target);
    },
    restart: async (port) => {
      servers.set(port, await startRedis(binary, port, optionsOf.get(port)));
    },
    stop: async () => {
      for (const client of clients.values()) client.disconnect();
      await Promise.all([...servers.values()].map((server) => server.stop()));
      await Promise.all(folders.map((folder) => rm(folder, { recursive: true, force: true })));
    },
  };
  await Promise.all(ports.map((port) => eventually(() => isSettled(port), Boolean)));
  return cluster;

  async function knownBy(asked: readonly number[]): Promise<number[]> {
    const lists = await Promise.all(asked.map((port) => ask(port).cluster('NODES') as Promise<string>));
    return lists.map(
      (list) =>
        list
          .trim()
          .split('\n')
          .filter((line) => !line.includes('handshake')).length,
    );
  }

  async function isSettled(port: number): Promise<boolean> {
    const info = await ask(port).cluster('INFO');
    const slots = (await ask(port).cluster('SLOTS')) as unknown as unknown[][];
    return info.includes('cluster_state:ok') && slots.length === 3 && slots.every((range) => range.length === 4);
  }

  /** What each node that runs says. */
  async function ownersOf(slot: number): Promise<(number | undefined)[]> {
    const running = ports.filter((port) => isRunning(servers.get(port)!));
    return Promise.all(
      running.map(async (port) => {
        const slots = (await ask(port).cluster('SLOTS')) as unknown as SlotRange[];
        return slots.find(([first, last]) => first <= slot && slot <= last)?.[2][1];
      }),
    );
  }
}

function isRunning({ process: { exitCode, signalCode } }: RedisServer): boolean {
  return exitCode === null && signalCode === null;
}
