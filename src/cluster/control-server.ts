import { once } from 'node:events';
import { lstatSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { Logger } from '@nestjs/common';
import { ClusterIoError } from '../errors.js';
import { answers, listenPrivately } from '../private-socket.js';
import {
  type ControlAnswer,
  type ControlRequest,
  controlRequestSchema,
  longestRequestBytes,
} from './control.protocol.js';

/** Another cluster listens on the control socket, or something that is no socket stands there. */
export class ControlSocketTakenError extends ClusterIoError {
  readonly code = 'CONTROL_SOCKET_TAKEN';

  constructor(
    readonly path: string,
    why: string,
  ) {
    super(`The control socket ${path} cannot be used (${why}): set CONTROL_SOCKET to another path.`);
  }
}

/** Does what a request asks, and resolves with its result. */
export type ControlHandler = (request: ControlRequest) => Promise<unknown>;

/** Answers an operator over a unix socket that only its owner can open. */
export class ControlServer {
  private readonly logger = new Logger(ControlServer.name);
  private readonly connections = new Set<Socket>();
  private readonly server: Server;

  private constructor(
    readonly path: string,
    private readonly handle: ControlHandler,
  ) {
    this.server = createServer((connection) => void this.serve(connection));
  }

  /** @throws ControlSocketTakenError when another program has the path. What a killed primary left is replaced. */
  static async open(path: string, handle: ControlHandler): Promise<ControlServer> {
    const control = new ControlServer(path, handle);
    try {
      await removeStale(path);
      await control.listen();
    } catch (error) {
      if (error instanceof ControlSocketTakenError) throw error;
      throw new ControlSocketTakenError(path, error instanceof Error ? error.message : String(error));
    }
    return control;
  }

  /** Ends open connections too: an answer that is still owed is given by then, or never. */
  async close(): Promise<void> {
    const closed = once(this.server, 'close');
    this.server.close();
    for (const connection of this.connections) connection.destroySoon();
    await closed;
  }

  private async listen(): Promise<void> {
    await listenPrivately(this.server, this.path);
    this.server.on('error', (error) => this.logger.warn(`control socket: ${error.message}`));
  }

  private async serve(connection: Socket): Promise<void> {
    this.connections.add(connection);
    connection.on('close', () => this.connections.delete(connection));
    connection.on('error', () => connection.destroy());
    try {
      await this.converse(connection);
    } catch {
      // The client has gone, or this server ends: nobody is left to answer.
      connection.destroy();
    }
  }

  private async converse(connection: Socket): Promise<void> {
    let received = '';
    for await (const chunk of connection.setEncoding('utf8') as AsyncIterable<string>) {
      received += chunk;
      const lines = received.split('\n');
      received = lines.pop()!;
      for (const line of lines) {
        if (isTooLong(line)) return void connection.end(toLine(tooLong));
        const answer = await this.answer(line);
        if (connection.writable) connection.write(toLine(answer));
      }
      if (isTooLong(received)) return void connection.end(toLine(tooLong));
    }
  }

  private async answer(line: string): Promise<ControlAnswer> {
    try {
      const request = controlRequestSchema.safeParse(JSON.parse(line));
      if (!request.success) return refusal(request.error.issues[0]?.message ?? 'the request is wrong');
      return { ok: true, result: await this.handle(request.data) };
    } catch (error) {
      if (error instanceof SyntaxError) return refusal('the request is no JSON');
      if (error instanceof ClusterIoError) return { ok: false, error: { code: error.code, message: error.message } };
      this.logger.error(error);
      return { ok: false, error: { code: 'INTERNAL_ERROR', message: 'The primary could not do that: see its log.' } };
    }
  }
}

const tooLong = refusal('the request is too long');

function isTooLong(line: string): boolean {
  return Buffer.byteLength(line) > longestRequestBytes;
}

function refusal(message: string): ControlAnswer {
  return { ok: false, error: { code: 'REQUEST_INVALID', message } };
}

function toLine(answer: ControlAnswer): string {
  return `${JSON.stringify(answer)}\n`;
}

async function removeStale(path: string): Promise<void> {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (!found) return;
  if (!found.isSocket()) throw new ControlSocketTakenError(path, 'something that is no socket stands there');
  if (await answers(path)) throw new ControlSocketTakenError(path, 'another cluster listens there');
  rmSync(path, { force: true });
}
