import type { IncomingMessage, ServerResponse } from 'node:http';
import { headerOf } from './answer-reader.js';
import { forClient } from './answer-headers.js';
import { factsHeader, partHeaders } from './client-facts.js';
import { Lane, type LaneListener } from './lane.js';
import { onceOver } from './once-over.js';

/** Connections that are kept for the next request, for each worker. */
const mostIdle = 256;

/**
 * Brings requests to the private doors of this host's other workers.
 *
 * It writes HTTP itself: most of what a poll costs on its way would be Node's own client.
 */
export class DoorClient {
  private readonly lanes = new Set<Lane>();
  private readonly idle = new Map<string, Lane[]>();

  forward(
    request: IncomingMessage,
    response: ServerResponse,
    path: string,
    facts: string,
    onGone: (error: Error) => void,
  ): void {
    const lane = this.take(path);
    // The owner learns that the client has gone.
    const leave = (): void => void lane.socket.destroy();
    const stay = onceOver(request, response, leave);
    let stopSending: (() => void) | undefined;
    const end = (): void => {
      stay();
      stopSending?.();
    };
    lane.begin(request.method!, !isEncoded(request), {
      onHead: ({ status, message, rawHeaders }) => void response.writeHead(status, message, forClient(rawHeaders)),
      onBody: (chunk) => {
        if (response.write(chunk)) return;
        lane.socket.pause();
        response.once('drain', () => lane.socket.resume());
      },
      onEnd: (last) => {
        end();
        response.end(last);
      },
      onBroken: (error) => {
        end();
        if (response.headersSent) response.destroy();
        else if (!response.destroyed) onGone(error);
      },
    });
    stopSending = send(request, facts, lane);
  }

  /** Has a request made again, of which nobody waits for the answer. */
  nudge(request: IncomingMessage, path: string, facts: string): void {
    const lane = this.take(path);
    lane.begin(request.method!, false, unheard);
    lane.socket.write(headOf(request, facts), 'latin1');
  }

  close(): void {
    for (const { socket } of this.lanes) socket.destroy();
  }

  private take(path: string): Lane {
    const kept = this.idle.get(path)?.pop();
    if (kept && !kept.socket.destroyed) return kept;
    const lane: Lane = new Lane(
      path,
      () => this.keep(path, lane),
      () => this.drop(path, lane),
    );
    this.lanes.add(lane);
    return lane;
  }

  private keep(path: string, lane: Lane): void {
    const idle = this.idle.get(path) ?? [];
    this.idle.set(path, idle);
    if (idle.length < mostIdle) idle.push(lane);
    else lane.socket.destroy();
  }

  private drop(path: string, lane: Lane): void {
    this.lanes.delete(lane);
    const idle = this.idle.get(path)?.filter((other) => other !== lane) ?? [];
    if (idle.length > 0) this.idle.set(path, idle);
    else this.idle.delete(path);
  }
}

const unheard: LaneListener = { onHead: () => {}, onBody: () => {}, onEnd: () => {}, onBroken: () => {} };

function headOf({ method, url, rawHeaders }: IncomingMessage, facts: string): string {
  const { travelling } = partHeaders(rawHeaders);
  let head = `${method} ${url} HTTP/1.1\r\n`;
  for (let at = 0; at < travelling.length; at += 2) head += `${travelling[at]}: ${travelling[at + 1]}\r\n`;
  return `${head}${factsHeader}: ${facts}\r\n\r\n`;
}

/** As it is written to the other worker: Node's own `headers` leaves out what comes late. */
function isEncoded({ rawHeaders }: IncomingMessage): boolean {
  return headerOf(rawHeaders, 'transfer-encoding') !== undefined;
}

/** Sends a request, its body as it comes. Once the returned function is called, what still comes is for nobody. */
function send(request: IncomingMessage, facts: string, lane: Lane): () => void {
  const { socket } = lane;
  const head = headOf(request, facts);
  if (!isEncoded(request) && Number(headerOf(request.rawHeaders, 'content-length') ?? 0) === 0) {
    socket.write(head, 'latin1');
    lane.sent();
    return () => {};
  }
  // Most bodies have come together with their head, and then leave with it.
  socket.cork();
  setImmediate(() => socket.uncork());
  socket.write(head, 'latin1');
  const chunked = /\bchunked$/i.test(headerOf(request.rawHeaders, 'transfer-encoding') ?? '');
  const pass = (chunk: Buffer): void => {
    if (chunked) socket.write(`${chunk.length.toString(16)}\r\n`);
    const more = socket.write(chunk);
    if (chunked) socket.write('\r\n');
    if (more) return;
    request.pause();
    socket.once('drain', () => request.resume());
  };
  const finish = (): void => {
    if (chunked) socket.write('0\r\n\r\n');
    lane.sent();
  };
  request.on('data', pass).once('end', finish);
  return () => void request.off('data', pass).off('end', finish).resume();
}
