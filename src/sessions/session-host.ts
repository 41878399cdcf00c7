import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import type { Carrier } from '../carrier.js';
import type { IpcEnd } from '../ipc.js';
import { HandoverRelay } from './handover-relay.js';
import { HostBeacon } from './host-beacon.js';
import { newHostTag } from './session-id.js';
import { openSocketFolder, socketPath } from './socket-folder.js';

export interface SessionHostOptions {
  /** The name of this host, for people. */
  readonly name: string;
  /** Where its workers are reached from other hosts, if they are. */
  readonly url: string | undefined;
  readonly runtimeFolder: string | undefined;
}

/** What the workers of a host need from their primary for sessions that live elsewhere. */
export class SessionHost {
  private readonly tag = newHostTag();
  private readonly key = randomBytes(32);
  private readonly relay = new HandoverRelay();
  private beacon: HostBeacon | undefined;

  private constructor(
    private readonly options: SessionHostOptions,
    private readonly folder: string,
  ) {}

  /** @throws SocketFolderError where the workers' sockets would not be private. */
  static async open(options: SessionHostOptions): Promise<SessionHost> {
    return new SessionHost(options, await openSocketFolder(options.runtimeFolder));
  }

  /** What each worker is told. */
  get environment() {
    return { host: this.tag, key: this.key.toString('base64'), folder: this.folder };
  }

  /** Tells the other hosts, over the carrier, that this one is there. */
  announceTo(carrier: Carrier, key: string): void {
    const { name, url } = this.options;
    this.beacon = new HostBeacon(carrier, { tag: this.tag, name, url, key: this.key }, key);
  }

  /** Serves a worker until the returned function is called, which also removes what a killed one has left. */
  attach(fork: number, worker: IpcEnd): () => void {
    const detach = this.relay.attach(fork, worker);
    return () => {
      detach();
      rmSync(socketPath(this.folder, this.tag, fork), { force: true });
    };
  }

  close(): void {
    this.beacon?.close();
  }
}
