import 'reflect-metadata';
import cluster from 'node:cluster';
import { Module, type Type } from '@nestjs/common';
import { FleetInterval } from '../../src/fleet/decorators.js';
import { runPrimary } from '../../src/primary.js';
import { runWorker } from '../../src/worker.js';

/** JOBS jobs that are each due once a second and do nothing. */
@Module({ providers: Array.from({ length: Number(process.env['JOBS']) }, (_, index) => jobNumber(index)) })
class Jobs {}

await (cluster.isPrimary ? runPrimary(Jobs) : runWorker());

function jobNumber(index: number): Type {
  class Job {
    @FleetInterval(`job ${index}`, 1_000)
    run(): void {}
  }
  return Job;
}
