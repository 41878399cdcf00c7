import cluster from 'node:cluster';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createAdapter } from '@socket.io/redis-adapter';
import { setupMaster, setupWorker } from '@socket.io/sticky';
import { Redis } from 'ioredis';
import { Server } from 'socket.io';

/** The official recipe: sticky sessions by the primary, the Redis adapter, and Socket.IO with nothing around it. */
await (cluster.isPrimary ? runPrimary() : runWorker());

async function runPrimary(): Promise<void> {
  const httpServer = createServer();
  setupMaster(httpServer, { loadBalancingMethod: 'least-connection' });
  // As its README says, so that chunks of bodies are not made text on their way to a worker.
  cluster.setupPrimary({ serialization: 'advanced' });
  const workers = Array.from({ length: Number(process.env['WORKERS']) }, () => cluster.fork());
  await Promise.all(workers.map((worker) => once(worker, 'message')));
  httpServer.listen(0, '127.0.0.1');
  await once(httpServer, 'listening');
  process.stdout.write(`ready at http://127.0.0.1:${(httpServer.address() as AddressInfo).port}\n`);
  process.once('SIGTERM', () => process.exit());
}

async function runWorker(): Promise<void> {
  const publisher = new Redis(process.env['REDIS_URL']!);
  const subscriber = publisher.duplicate();
  const io = new Server(createServer(), { adapter: createAdapter(publisher, subscriber) });
  setupWorker(io);
  const worker = cluster.worker!.id;
  io.on('connection', (socket) => {
    socket.emit('welcome', { worker, host: 'rival', message: `connected to worker: ${worker}` });
    socket.on('whereami', (answer: (whereabouts: object) => void) =>
      answer({ worker, host: 'rival', id: socket.id, transport: socket.conn.transport.name }),
    );
  });
  await subscriber.ping();
  process.send!({ type: 'ready' });
}
