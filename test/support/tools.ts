import type { Tool } from './debian-package.js';

export const redisServer: Tool = { binary: 'redis-server', debianPackage: 'redis-server', variable: 'REDIS_SERVER' };
export const chromium: Tool = { binary: 'chromium', debianPackage: 'chromium', variable: 'CHROMIUM' };
export const systemdNotify: Tool = { binary: 'systemd-notify', debianPackage: 'systemd', variable: 'SYSTEMD_NOTIFY' };
export const systemdAnalyze: Tool = {
  binary: 'systemd-analyze',
  debianPackage: 'systemd',
  variable: 'SYSTEMD_ANALYZE',
};
export const unshare: Tool = { binary: 'unshare', debianPackage: 'util-linux', variable: 'UNSHARE' };
export const nsenter: Tool = { binary: 'nsenter', debianPackage: 'util-linux', variable: 'NSENTER' };
export const ip: Tool = { binary: 'ip', debianPackage: 'iproute2', variable: 'IP' };
export const sysctl: Tool = { binary: 'sysctl', debianPackage: 'procps', variable: 'SYSCTL' };
export const nginx: Tool = { binary: 'nginx', debianPackage: 'nginx-light', variable: 'NGINX' };
export const haproxy: Tool = { binary: 'haproxy', debianPackage: 'haproxy', variable: 'HAPROXY' };
export const openssl: Tool = { binary: 'openssl', debianPackage: 'openssl', variable: 'OPENSSL' };
