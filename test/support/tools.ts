import type { Tool } from './debian-package.js';

export const redisServer: Tool = { binary: 'redis-server', debianPackage: 'redis-server', variable: 'REDIS_SERVER' };
export const chromium: Tool = { binary: 'chromium', debianPackage: 'chromium', variable: 'CHROMIUM' };
export const systemdNotify: Tool = { binary: 'systemd-notify', debianPackage: 'systemd', variable: 'SYSTEMD_NOTIFY' };
export const systemdAnalyze: Tool = {
  binary: 'systemd-analyze',
  debianPackage: 'systemd',
  variable: 'SYSTEMD_ANALYZE',
};
export const nginx: Tool = { binary: 'nginx', debianPackage: 'nginx-light', variable: 'NGINX' };
export const haproxy: Tool = { binary: 'haproxy', debianPackage: 'haproxy', variable: 'HAPROXY' };
