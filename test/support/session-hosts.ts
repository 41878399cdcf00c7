import { randomBytes } from 'node:crypto';
import { onTestFinished } from 'vitest';
import type { Carrier } from '../../src/carrier.js';
import { HostBeacon } from '../../src/sessions/host-beacon.js';
import { HostDirectory } from '../../src/sessions/host-directory.js';
import { newHostTag } from '../../src/sessions/session-id.js';
import { openSocketFolder } from '../../src/sessions/socket-folder.js';
import { eventually } from './eventually.js';
import { startFleet } from './nodes.js';
import { type SessionWorker, startSessionWorker } from './session-workers.js';
import { temporaryFolder } from './temporary-folder.js';

/** A host of one worker, in this process. */
export interface SessionHostInTest extends SessionWorker {
  readonly tag: string;
  readonly key: Buffer;
  readonly directory: HostDirectory;
  /** Tells the others where it is, or where it wrongly thinks that it is; by default nowhere. */
  announce(url?: string): void;
  /** Starts one more worker of this host, with a view of the fleet of its own. */
  startWorker(): Promise<SessionWorker>;
}

/** So many hosts on one carrier, each of which knows how the others are reached. */
export async function startSessionHosts(count: number): Promise<readonly SessionHostInTest[]> {
  const hosts = await startSilentHosts(count);
  for (const host of hosts) host.announce(host.url);
  await meet(hosts);
  return hosts;
}

/** The same, of which none has said anything yet. */
export async function startSilentHosts(count: number): Promise<SessionHostInTest[]> {
  const { key: prefix, openCarrier } = startFleet('embedded');
  return await Promise.all(Array.from({ length: count }, (_, index) => startHost(index, prefix, openCarrier)));
}

/** Resolves once all know each other. */
export async function meet(hosts: readonly SessionHostInTest[]): Promise<void> {
  const missing = (): number =>
    hosts.flatMap(({ directory, tag }) => hosts.filter((other) => other.tag !== tag && !directory.find(other.tag)))
      .length;
  await eventually(missing, (number) => number === 0);
}

async function startHost(index: number, prefix: string, openCarrier: () => Promise<Carrier>) {
  const carrier = await openCarrier();
  const [tag, key] = [newHostTag(), randomBytes(32)];
  const folder = await openSocketFolder(temporaryFolder());
  const directory = new HostDirectory(carrier, tag, prefix);
  const start = (fork: number, hosts: HostDirectory): Promise<SessionWorker> =>
    startSessionWorker({ own: { host: tag, slot: fork, fork }, key, folder, hosts });
  const worker = await start(1, directory);
  const announce = (url?: string): void => {
    const beacon = new HostBeacon(carrier, { tag, name: `host-${index + 1}`, url, key }, prefix);
    onTestFinished(() => beacon.close());
  };
  const startWorker = async (): Promise<SessionWorker> => start(2, new HostDirectory(await openCarrier(), tag, prefix));
  return { ...worker, tag, key, directory, announce, startWorker };
}
