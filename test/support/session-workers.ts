import { randomBytes } from 'node:crypto';
import { EventEmitter, once } from 'node:events';
import http, { type IncomingMessage } from 'node:http';
import https from 'node:https';
import { readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { Server, type ServerOptions } from 'socket.io';
import { onTestFinished } from 'vitest';
import { newHostTag } from '../../src/sessions/session-id.js';
import { SessionDesk, type SessionDeskOptions } from '../../src/sessions/session-desk.js';
import { openSocketFolder, socketPath } from '../../src/sessions/socket-folder.js';
import { temporaryFolder } from './temporary-folder.js';

/** A worker's part in sessions, in this process: its own port, so that a test says which worker a request lands on. */
export interface SessionWorker {
  readonly url: string;
  readonly io: Server;
  readonly desk: SessionDesk;
  readonly socketPath: string;
  /** The requests that Engine.IO answered here. */
  readonly answered: IncomingMessage[];
  /** The addresses that they seemed to come from, then. */
  readonly addresses: (string | undefined)[];
}

export interface SessionWorkersOptions extends Partial<ServerOptions> {
  /** Whether each ends TLS itself. */
  readonly tls?: boolean;
}

export async function startSessionWorkers(
  count: number,
  { tls = false, ...options }: SessionWorkersOptions = {},
): Promise<SessionWorker[]> {
  const folder = await openSocketFolder(temporaryFolder());
  const [host, key] = [newHostTag(), randomBytes(32)];
  return await Promise.all(
    Array.from({ length: count }, (_, index) => {
      const fork = index + 1;
      return startSessionWorker(
        { own: { host, slot: fork, fork }, key, folder, hosts: undefined },
        { tls, ...options },
      );
    }),
  );
}

export async function startSessionWorker(
  options: Omit<SessionDeskOptions, 'primary'>,
  { tls = false, ...serverOptions }: SessionWorkersOptions = {},
): Promise<SessionWorker> {
  const server = tls ? https.createServer(certificate()) : http.createServer();
  const io = new Server(server, serverOptions);
  const primary = Object.assign(new EventEmitter(), { connected: false });
  const desk = new SessionDesk({ ...options, primary });
  const answered: IncomingMessage[] = [];
  const addresses: (string | undefined)[] = [];
  io.engine.use((request: IncomingMessage, _response: unknown, next: () => void) => {
    answered.push(request);
    addresses.push(request.socket.remoteAddress);
    next();
  });
  desk.attach(io);
  await desk.open();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(async () => {
    server.closeAllConnections();
    await io.close();
    desk.close();
  });
  const { port } = server.address() as AddressInfo;
  const url = `${tls ? 'https' : 'http'}://127.0.0.1:${port}`;
  const { folder, own } = options;
  return { url, io, desk, socketPath: socketPath(folder, own.host, own.fork), answered, addresses };
}

function certificate(): https.ServerOptions {
  return { key: readFileSync('test/fixtures/tls/key.pem'), cert: readFileSync('test/fixtures/tls/certificate.pem') };
}
