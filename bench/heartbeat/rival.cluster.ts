import cluster from 'node:cluster';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createAdapter } from '@socket.io/redis-adapter';
import { Emitter } from '@socket.io/redis-emitter';
import { Redis } from 'ioredis';
import { Server } from 'socket.io';

/** What is copied everywhere: workers with the official adapter, and a `setInterval` with the official emitter. */
await (cluster.isPrimary ? runPrimary() : runWorker());

async function runPrimary(): Promise<void> {
  const workers = Array.from({ length: Number(process.env['WORKERS']) }, () => cluster.fork());
  const said = await Promise.all(workers.map((worker) => once(worker, 'message')));
  const [port] = said[0] as [number];
  const emitter = new Emitter(new Redis(process.env['REDIS_URL']!), { key: process.env['REDIS_KEY']! });
  let sequence = 0;
  setInterval(
    () => emitter.emit('heartbeat', { sequence: ++sequence, sentAt: Date.now() }),
    Number(process.env['HEARTBEAT_INTERVAL_MS']),
  );
  process.stdout.write(`ready at http://127.0.0.1:${port}\n`);
  process.once('SIGTERM', () => process.exit());
}

async function runWorker(): Promise<void> {
  const publisher = new Redis(process.env['REDIS_URL']!);
  const subscriber = publisher.duplicate();
  const httpServer = createServer();
  const adapter = createAdapter(publisher, subscriber, { key: process.env['REDIS_KEY']! });
  const io = new Server({ transports: ['websocket'], adapter });
  io.attach(httpServer);
  await subscriber.ping();
  httpServer.listen(0, '127.0.0.1');
  await once(httpServer, 'listening');
  process.send!((httpServer.address() as AddressInfo).port);
}
