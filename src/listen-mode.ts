import { ListenModeError } from './errors.js';

/**
 * Who accepts the connections of a cluster: `reuse-port`, each worker at a listening socket of its own; `round-robin`,
 * the primary, which deals them out to the workers.
 */
export type ListenMode = 'reuse-port' | 'round-robin';

/** @throws ListenModeError when this Node cannot do what is wanted. */
export function chooseListenMode(wanted: 'auto' | ListenMode, version: string, platform: string): ListenMode {
  const supported = canReusePort(version, platform);
  if (wanted === 'reuse-port' && !supported) throw new ListenModeError(version, platform);
  return wanted === 'auto' ? (supported ? 'reuse-port' : 'round-robin') : wanted;
}

/**
 * Node has `reusePort` since 22.12 and 23.1, where the system deals connections out among the sockets of one port.
 * Of those systems only Linux is tried.
 */
function canReusePort(version: string, platform: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return platform === 'linux' && (major > 23 || (major === 23 && minor >= 1) || (major === 22 && minor >= 12));
}
