import type { TestProject } from 'vitest/node';
import { ensureTool } from './debian-package.js';
import { startRedis } from './redis-server.js';
import { chromium, haproxy, nginx, redisServer } from './tools.js';

declare module 'vitest' {
  interface ProvidedContext {
    /** One Redis for all tests that do it no harm; a `REDIS_KEY` of its own keeps each test's channels apart. */
    redisUrl: string;
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
  return () => redis.stop();
}
