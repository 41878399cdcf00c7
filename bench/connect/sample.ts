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

/** Over WebSocket they cost no contestant anything of its own, so that one shows that it works. */
const roundTripsEach: Readonly<Record<ClientKind, number>> = {
  websocket: 1,
  default: 1,
  polling: 6,
  'kept polling': 6,
};

export async function measure({ name, program }: Contestant, kind: ClientKind, clients: number): Promise<Sample> {
  const primary = program.process.pid!;
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
