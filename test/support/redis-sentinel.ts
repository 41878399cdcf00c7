import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import path from 'node:path';
import { Redis } from 'ioredis';
import { inject, onTestFinished } from 'vitest';
import { eventually } from './eventually.js';
import { freePort } from './free-port.js';
import { type RedisServer, startRedis } from './redis-server.js';
import { temporaryFolder } from './temporary-folder.js';

/** A Redis with a replica and a Sentinel, behind an address that always leads to the master, as a proxy's does. */
export interface GuardedRedis {
  readonly url: string;
  /** Has the Sentinel make the replica the master; resolves once the address leads there. */
  failOver(): Promise<void>;
  /** The master answers nobody for so long. */
  sleep(seconds: number): void;
  /** The master is killed and comes back empty. */
  restart(): Promise<void>;
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
  const proxy = await startProxy(master.port);

  const masterPort = async (): Promise<number> => {
    const [, port] = (await sentinel.call('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', name)) as [string, string];
    return Number(port);
  };
  const watch = setInterval(() => {
    masterPort().then(
      (port) => proxy.leadTo(port),
      () => {},
    );
  }, 100);
  onTestFinished(() => clearInterval(watch));

  return {
    url: `redis://127.0.0.1:${proxy.port}`,
    failOver: async () => {
      const before = await masterPort();
      // It refuses for a while after the last one, and until it has seen the replica.
      await eventually(
        () => sentinel.call('SENTINEL', 'FAILOVER', name).catch(String),
        (answer) => answer === 'OK',
      );
      await eventually(masterPort, (port) => port !== before);
    },
    sleep: (seconds) => {
      const client = new Redis(proxy.port, '127.0.0.1', { retryStrategy: () => null });
      client.on('error', () => {});
      client
        .call('DEBUG', 'SLEEP', seconds)
        .catch(() => {})
        .finally(() => client.disconnect());
    },
    restart: async () => {
      const port = await masterPort();
      await servers.get(port)!.stop();
      servers.set(port, await startRedis(binary, port, options));
    },
  };
}

async function startSentinel(binary: string, masterPort: number): Promise<Redis> {
  const port = await freePort();
  const folder = temporaryFolder();
  const file = path.join(folder, 'sentinel.conf');
  writeFileSync(
    file,
    [
      `port ${port}`,
      'bind 127.0.0.1',
      `dir ${folder}`,
      `sentinel monitor ${name} 127.0.0.1 ${masterPort} 1`,
      `sentinel down-after-milliseconds ${name} 4000`,
      `sentinel failover-timeout ${name} 3000`,
    ].join('\n'),
  );
  const sentinel = spawn(binary, [file, '--sentinel'], { stdio: 'ignore' });
  const exited = once(sentinel, 'exit');
  const client = new Redis(port, '127.0.0.1', { retryStrategy: () => 50 });
  client.on('error', () => {});
  onTestFinished(async () => {
    client.disconnect();
    sentinel.kill('SIGKILL');
    await exited;
  });
  await once(client, 'ready').catch(() => once(client, 'ready'));
  return client;
}

async function startProxy(first: number) {
  let target = first;
  const sockets = new Set<Socket>();
  const track = (socket: Socket, other: Socket): void => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => {
      sockets.delete(socket);
      other.destroy();
    });
  };
  const server = createServer((client) => {
    const upstream = connect(target, '127.0.0.1');
    track(client, upstream);
    track(upstream, client);
    client.pipe(upstream).pipe(client);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  const leadTo = (port: number): void => {
    if (port === target) return;
    target = port;
    for (const socket of sockets) socket.destroy();
  };
  return { port: (server.address() as AddressInfo).port, leadTo };
}
