import { once } from 'node:events';
import { connect, type Server } from 'node:net';

/** How many may wait to be accepted; the system may allow fewer. Who comes then is refused, and not kept waiting. */
const backlog = 4_096;

/** Makes a server listen on a unix socket that only this user can open, 0600. */
export async function listenPrivately(server: Server, path: string): Promise<void> {
  // A mode that is set after the fact would leave a moment in which others may connect.
  const before = process.umask(0o177);
  try {
    // Under node:cluster the primary would open it instead.
    server.listen({ path, exclusive: true, backlog });
  } finally {
    process.umask(before);
  }
  await once(server, 'listening');
}

/** Whether anybody listens on a unix socket; what a killed process left refuses. Who is only busy listens. */
export async function answers(path: string): Promise<boolean> {
  const connection = connect(path);
  try {
    await once(connection, 'connect');
    return true;
  } catch (error) {
    return !['ECONNREFUSED', 'ENOENT'].includes((error as NodeJS.ErrnoException).code ?? '');
  } finally {
    connection.destroy();
  }
}
