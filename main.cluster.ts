import 'reflect-metadata';
import cluster from 'node:cluster';
import { runPrimary } from './src/primary.js';
import { runWorker } from './src/worker.js';

await (cluster.isPrimary ? runPrimary() : runWorker());
