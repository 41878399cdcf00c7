import http, { type ClientRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import https from 'node:https';
import type { Socket } from 'node:net';
import { type Duplex, PassThrough } from 'node:stream';
import { TLSSocket } from 'node:tls';
import { forClient } from './answer-headers.js';
import { headerOf } from './answer-reader.js';
import { factsHeader, partHeaders } from './client-facts.js';
import { DoorClient } from './door-client.js';
import { onceOver } from './once-over.js';

/** The process that a request is brought to: a worker's private socket, or another host. */
export type Target = { readonly socketPath: string } | { readonly url: string };

export interface Forwarding {
  readonly target: Target;
  /** What the other process should know of the client, as it believes it. With `nudge` that its waiting poll is to be answered. */
  readonly facts: (nudge: boolean) => string;
  /** Called instead of an answer where the process has not given one. */
  readonly onGone: (error: Error, reached: boolean) => void;
}

/** How long another host may take to accept a connection. */
const connectTimeoutMs = 2_000;

/** Connections between processes that are kept for the next request, for each process. */
const mostIdleConnections = 256;

/** Another host keeps an idle connection for 5 s, as Node does: who sends just then has it reset. */
const longestIdleMs = 2_000;

/** The connections that were made, whatever became of them. */
const reached = new WeakSet<Duplex>();

/** Brings requests to the process that owns their session, as streams, and its answers back. */
export class Forwarder {
  private readonly agents = {
    http: new http.Agent({ keepAlive: true, maxFreeSockets: mostIdleConnections, timeout: longestIdleMs }),
    https: new https.Agent({ keepAlive: true, maxFreeSockets: mostIdleConnections, timeout: longestIdleMs }),
  };
  private readonly doors = new DoorClient();
  private readonly waiting = new Map<ServerResponse, () => void>();
  private releasing = false;

  forward(request: IncomingMessage, response: ServerResponse, forwarding: Forwarding): void {
    const { target, facts, onGone } = forwarding;
    if (this.releasing) response.setHeader('Connection', 'close');
    if (request.method === 'GET') {
      this.waiting.set(response, () => this.nudge(request, target, facts(true)));
      onceOver(request, response, () => this.waiting.delete(response));
    }
    if ('socketPath' in target) {
      const { socketPath } = target;
      return this.doors.forward(request, response, socketPath, facts(false), (error) => onGone(error, false));
    }
    const upstream = this.open(request, target, facts(false), true);
    if (upstream instanceof Error) return onGone(upstream, true);
    upstream.once('response', (answer) => pass(answer, response));
    upstream.once('error', (error) => {
      request.unpipe(upstream);
      if (response.headersSent) return void response.destroy();
      if (response.destroyed) return;
      // A kept connection may end just when it is used again. What has a body might be taken twice.
      if (upstream.reusedSocket && !hasBody(request)) return this.forward(request, response, forwarding);
      onGone(error, wasReached(upstream));
      request.resume();
    });
    onceOver(request, response, () => {
      // The owner learns that the client has gone.
      if (!response.writableFinished) upstream.destroy();
    });
    request.pipe(upstream);
  }

  /** Where the connection itself cannot be handed over: it stays in between until either side ends it. */
  forwardUpgrade(request: IncomingMessage, socket: Socket, head: Buffer, { target, facts, onGone }: Forwarding): void {
    const upstream = this.open(request, target, facts(false), false);
    if (upstream instanceof Error) return onGone(upstream, true);
    const early = readAhead(socket);
    const leave = (): void => void socket.destroy();
    const gaveUp = (): void => void upstream.destroy();
    socket.once('end', leave).once('error', gaveUp).once('close', gaveUp);
    upstream.once('error', (error) => {
      if (!socket.destroyed) onGone(error, wasReached(upstream));
    });
    upstream.once('response', (answer) => {
      socket.write(headOf(answer));
      answer.pipe(socket, { end: false });
      answer.once('close', () => socket.destroySoon());
    });
    upstream.once('upgrade', (answer, far, farHead) => {
      socket.off('end', leave);
      socket.write(Buffer.concat([headOf(answer), farHead]));
      far.write(Buffer.concat([head, early()]));
      join(socket, far);
    });
    upstream.end();
  }

  /** Has every poll answered that waits here, so that its client comes back through another worker. */
  release(): void {
    this.releasing = true;
    for (const [response, nudge] of this.waiting) {
      if (!response.headersSent) response.setHeader('Connection', 'close');
      nudge();
    }
  }

  close(): void {
    this.doors.close();
    for (const agent of Object.values(this.agents)) agent.destroy();
  }

  private nudge(request: IncomingMessage, target: Target, facts: string): void {
    if ('socketPath' in target) return this.doors.nudge(request, target.socketPath, facts);
    const upstream = this.open(withoutBody(request), target, facts, true);
    if (upstream instanceof Error) return;
    upstream.once('response', (answer) => answer.resume());
    // The owner has gone, and so has the poll.
    upstream.once('error', () => {});
    upstream.end();
  }

  /** An error where the request is one that Node's client does not send. */
  private open(request: Head, target: Target, facts: string, pooled: boolean): ClientRequest | Error {
    try {
      return this.begin(request, target, facts, pooled);
    } catch (error) {
      return error as Error;
    }
  }

  private begin({ method, url, rawHeaders }: Head, target: Target, facts: string, pooled: boolean): ClientRequest {
    const headers = [...partHeaders(rawHeaders).travelling, factsHeader, facts];
    if (!pooled) headers.push('Connection', 'Upgrade');
    const options = { method, path: url, headers };
    if ('socketPath' in target) {
      return http.request({ ...options, socketPath: target.socketPath, agent: false });
    }
    const { protocol, host, hostname, port } = new URL(target.url);
    // A client of HTTP/1.0 sends none.
    if (headerOf(headers, 'host') === undefined) headers.push('Host', host);
    const to = { ...options, host: hostname.replace(/^\[|\]$/g, ''), port };
    const upstream =
      protocol === 'https:'
        ? https.request({ ...to, agent: pooled && this.agents.https })
        : http.request({ ...to, agent: pooled && this.agents.http });
    return watchConnecting(upstream);
  }
}

type Head = Pick<IncomingMessage, 'method' | 'url' | 'rawHeaders'>;

/** Of a request whose body went elsewhere: on a kept connection the next request would be taken for it. */
function withoutBody({ method, url, rawHeaders }: Head): Head {
  const ofBody = /^(?:content-length|content-type|transfer-encoding)$/i;
  return { method, url, rawHeaders: rawHeaders.filter((_, at) => !ofBody.test(rawHeaders[at - (at % 2)]!)) };
}

function watchConnecting(upstream: ClientRequest): ClientRequest {
  return upstream.once('socket', (socket) => {
    if (!socket.connecting) return;
    socket.once(socket instanceof TLSSocket ? 'secureConnect' : 'connect', () => reached.add(socket));
    const tooLate = new Error(`no connection within ${connectTimeoutMs} ms`);
    const alarm = setTimeout(() => upstream.destroy(tooLate), connectTimeoutMs);
    socket.once('connect', () => clearTimeout(alarm)).once('close', () => clearTimeout(alarm));
  });
}

/** Whether there was a connection, so that only this request has failed. */
function wasReached({ socket }: ClientRequest): boolean {
  return socket !== null && reached.has(socket);
}

function hasBody({ rawHeaders }: IncomingMessage): boolean {
  const length = headerOf(rawHeaders, 'content-length') ?? 0;
  return headerOf(rawHeaders, 'transfer-encoding') !== undefined || Number(length) > 0;
}

/** Reads what comes before it is wanted, so that an end is noticed; the returned function stops that, and returns it. */
function readAhead(socket: Duplex): () => Buffer {
  const early = new PassThrough();
  socket.pipe(early);
  return () => {
    socket.unpipe(early);
    return (early.read() as Buffer | null) ?? Buffer.alloc(0);
  };
}

function pass(answer: IncomingMessage, response: ServerResponse): void {
  response.writeHead(answer.statusCode!, answer.statusMessage, forClient(answer.rawHeaders));
  answer.pipe(response);
  answer.once('close', () => {
    if (!answer.complete) response.destroy();
  });
}

function headOf({ httpVersion, statusCode, statusMessage, rawHeaders }: IncomingMessage): Buffer {
  const lines = [`HTTP/${httpVersion} ${statusCode} ${statusMessage}`];
  for (let at = 0; at < rawHeaders.length; at += 2) lines.push(`${rawHeaders[at]}: ${rawHeaders[at + 1]}`);
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1');
}

function join(near: Duplex, far: Duplex): void {
  near.pipe(far).pipe(near);
  for (const [one, other] of [
    [near, far],
    [far, near],
  ] as const) {
    one.on('error', () => other.destroy()).once('close', () => other.destroy());
  }
}
