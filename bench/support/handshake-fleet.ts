import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import type { ClientKind, HandshakeCommand, HandshakeNews } from './handshake-process.js';

/** Clients in a process of their own, whose connecting is what is measured. */
export class HandshakeFleet {
  private readonly process: ChildProcess;

  private constructor(file: string) {
    this.process = fork(file);
  }

  static start(): HandshakeFleet {
    return new HandshakeFleet(path.join(import.meta.dirname, 'handshake-process.js'));
  }

  connect(url: string, kind: ClientKind, clients: number): Promise<HandshakeNews> {
    return this.tell({ type: 'connect', url, kind, clients });
  }

  /** Has every client send that many events, each after the acknowledgement of the last. */
  roundTrips(each: number): Promise<HandshakeNews> {
    return this.tell({ type: 'round trips', each });
  }

  async stop(): Promise<void> {
    const exited = once(this.process, 'exit');
    this.process.kill('SIGKILL');
    await exited;
  }

  private async tell(command: HandshakeCommand): Promise<HandshakeNews> {
    this.process.send(command);
    const [news] = (await once(this.process, 'message')) as [HandshakeNews];
    return news;
  }
}
