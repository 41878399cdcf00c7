import { type Cluster, cpuOnceQuiet } from '../support/cpu.js';
import { HandshakeFleet } from '../support/handshake-fleet.js';
import type { ClientKind, HandshakeNews } from '../support/handshake-process.js';
import type { Contestant } from './contestants.js';

/** What one fleet of clients has cost one contestant. */
export interface Sample {
  readonly contestant: string;
  readonly kind: ClientKind;
  readonly perConnection: Cluster<number>;
  readonly connectionsPerSecond: number;
  readonly perRoundTrip: Cluster<number>;
  readonly news: HandshakeNews;
}

/** How many clients connect, and how many events each of them sends then. */
export interface Load {
  readonly clients: number;
  readonly roundTripsEach: Readonly<Record<ClientKind, number>>;
}

export async function measure({ name, program }: Contestant, kind: ClientKind, load: Load): Promise<Sample> {
  const primary = program.process.pid!;
  const { clients, roundTripsEach } = load;
  const each = roundTripsEach[kind];
  const fleet = HandshakeFleet.start();
  try {
    const before = await cpuOnceQuiet(primary);
    const connected = await fleet.connect(program.url, kind, clients);
    const between = await cpuOnceQuiet(primary);
    const news = await fleet.roundTrips(each);
    const after = await cpuOnceQuiet(primary);
    return {
      contestant: name,
      kind,
      perConnection: share(before, between, clients),
      connectionsPerSecond: (clients / connected.tookMs) * 1_000,
      perRoundTrip: share(between, after, clients * each),
      news,
    };
  } finally {
    await fleet.stop();
  }
}

function share(before: Cluster<number>, after: Cluster<number>, count: number): Cluster<number> {
  return {
    primary: (after.primary - before.primary) / count,
    workers: (after.workers - before.workers) / count,
  };
}
