import { ensureTool } from './debian-package.js';
import { ip, nsenter, unshare } from './tools.js';

/** What a command line is put behind, so that it runs somewhere else. */
export type Wrapper = readonly string[];

/** A network of its own, where nothing is but the loopback interface, and the kernel is set so. */
export function ownNetwork(settings: Readonly<Record<string, string>>): Wrapper {
  const set = Object.entries(settings).map(([name, value]) => `echo ${value} > /proc/sys/${name.replaceAll('.', '/')}`);
  const script = [`${ensureTool(ip)} link set lo up`, ...set, 'exec "$@"'].join(' && ');
  return [ensureTool(unshare), '--net', 'sh', '-c', script, 'sh'];
}

/** The network that a process has. */
export function networkOf(pid: number): Wrapper {
  return [ensureTool(nsenter), '--target', `${pid}`, '--net'];
}
