import { readFileSync } from 'node:fs';

/**
 * Whether Linux resets the connections that wait at a listening socket when it is closed, although it could give them to
 * the other sockets of the port. Where it knows no such setting there is nothing to advise.
 */
export function dropsWaitingConnections(file = '/proc/sys/net/ipv4/tcp_migrate_req'): boolean {
  try {
    return readFileSync(file, 'utf8').trim() === '0';
  } catch {
    return false;
  }
}
