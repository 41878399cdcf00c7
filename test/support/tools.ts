import type { Tool } from './debian-package.js';

export const redisServer: Tool = { binary: 'redis-server', debianPackage: 'redis-server', variable: 'REDIS_SERVER' };
export const chromium: Tool = { binary: 'chromium', debianPackage: 'chromium', variable: 'CHROMIUM' };
