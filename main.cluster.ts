import 'reflect-metadata';
import cluster from 'node:cluster';

if (cluster.isPrimary) {
  const { runPrimary } = await import('./src/primary.js');
  await runPrimary();
} else {
  const { runWorker } = await import('./src/worker.js');
  await runWorker();
}
