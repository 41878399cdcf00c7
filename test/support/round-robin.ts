import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';

export interface RoundRobin {
  readonly url: string;
  /** How many have been opened so far. */
  readonly connections: () => number;
}

/** A balancer that knows nothing of HTTP: each connection goes to the next port. It ends with the test. */
export async function startRoundRobin(ports: readonly number[]): Promise<RoundRobin> {
  let connections = 0;
  const open = new Set<Socket>();
  const server = createServer({ noDelay: true }, (client) => {
    const port = ports[connections++ % ports.length]!;
    const host = connect({ host: '127.0.0.1', port, noDelay: true });
    for (const socket of [client, host]) {
      open.add(socket);
      socket.on('error', () => {});
      socket.once('close', () => {
        open.delete(socket);
        client.destroy();
        host.destroy();
      });
    }
    client.pipe(host).pipe(client);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.close();
    for (const socket of open) socket.destroy();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { url, connections: () => connections };
}
