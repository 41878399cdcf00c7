import { once } from 'node:events';
import { createServer } from 'node:net';
import { AddressUnusableError, PortTakenError } from '../errors.js';

/**
 * Finds out before anything is forked whether the workers can listen, and which port 0 is to be.
 *
 * With port 0 a worker that comes later would get a port of its own.
 *
 * @throws PortTakenError when another program listens there.
 * @throws AddressUnusableError when the host is not an address of this machine, or the port needs more rights.
 */
export async function choosePort(port: number, host: string | undefined): Promise<number> {
  const server = createServer();
  try {
    server.listen({ port, host, exclusive: true });
    await once(server, 'listening');
    return (server.address() as { port: number }).port;
  } catch (error) {
    throw toListenError(error, port, host);
  } finally {
    server.close();
  }
}

/** What a person should read when listening has failed. */
export function toListenError(error: unknown, port: number, host: string | undefined): unknown {
  if (!(error instanceof Error) || !('syscall' in error)) return error;
  if ('code' in error && error.code === 'EADDRINUSE') return new PortTakenError(port, { cause: error });
  return new AddressUnusableError(`${host ?? 'all interfaces'}, port ${port}`, { cause: error });
}
