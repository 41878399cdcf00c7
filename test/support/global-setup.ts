import type { TestProject } from 'vitest/node';
import { ensureTool } from './debian-package.js';
import { startCluster } from './redis-cluster.js';
import { startRedis } from './redis-server.js';
import { chromium, haproxy, nginx, redisServer } from './tools.js';

declare module 'vitest' {
  interface ProvidedContext {
    /** One Redis for all tests that do it no harm; a `REDIS_KEY` of its own keeps each test's channels apart. */
    redisUrl: string;
    /** One Redis Cluster, likewise. */
    redisClusterUrl: string;
    redisServer: string;
    chromium: string;
    nginx: string;
    haproxy: string;
  }
}

export async function setup({ provide }: TestProject): Promise<() => Promise<void>> {
  const binary = ensureTool(redisServer);
  provide('redisServer', binary);
  provide('chromium', ensureTool(chromium));
  provide('nginx', ensureTool(nginx));
  provide('haproxy', ensureTool(haproxy));
  const redis = await startRedis(binary);
  provide('redisUrl', redis.url);
  const cluster = await startCluster(binary);
  provide('redisClusterUrl', cluster.url);
  return async () => {
    await Promise.all([redis.stop(), cluster.stop()]);
  };
}
