import type { IncomingMessage } from 'node:http';
import type { ResolvedSlowClientsOptions, SlowClientFigures } from '../slow-clients.js';
import { ClientBacklog } from './client-backlog.js';
import type { EngineConnection, EngineTransport } from './engine-connection.js';
import { SlowClientLog } from './slow-client-log.js';
import type { WakingClock } from './waking-clock.js';
import type { Watchable } from './watched.js';
import type { Keeper } from './wire.js';

/** How often those are looked at for whom something waits, at the least. */
const lookIntervalMs = 1_000;

/** What is left after dropping, as a share of the bound, so that not every further message has to choose again. */
const leftShare = 0.75;

const disconnected = 'slow clients disconnected';
const dropped = 'messages dropped for slow clients';

/** What is used of Engine.IO's server, which Socket.IO hands out untyped. */
export interface Engine extends Watchable {
  readonly clients: Readonly<Record<string, EngineConnection>>;
}

type Request = IncomingMessage & { readonly _query?: { readonly sid?: string } };

/**
 * Keeps what waits for each client within its bounds.
 *
 * A client that keeps up costs nothing: it is known here only while bytes wait for it, which is found where they do.
 */
export class SlowClientKeeper implements Keeper<EngineConnection> {
  private readonly behind = new Map<EngineConnection, ClientBacklog>();
  private readonly log = new SlowClientLog();
  private looking: NodeJS.Timeout | undefined;

  constructor(
    private readonly limits: Pick<ResolvedSlowClientsOptions, 'bufferBytes' | 'bufferAgeMs'>,
    private readonly clock: WakingClock,
  ) {}

  /** Looks after all clients of an Engine.IO server, those included that are not connected to a namespace. */
  attach(engine: Engine): void {
    const isBehind = (conn: EngineConnection): void => this.isBehind(conn);
    const sendPacket: EngineConnection['sendPacket'] = function (this: EngineConnection, ...packet) {
      (Object.getPrototypeOf(this) as EngineConnection).sendPacket.apply(this, packet);
      if (this.writeBuffer.length > 0) isBehind(this);
    };
    engine.on('connection', (conn: EngineConnection) => {
      conn.sendPacket = sendPacket;
      const { wire } = conn.transport.socket ?? {};
      if (wire) wire.belongTo(conn, this);
      else conn.once('upgrade', ({ socket }: EngineTransport) => socket?.wire?.belongTo(conn, this));
    });
    engine.on('headers', (_headers: unknown, request: Request) => {
      const conn = engine.clients[request['_query']?.sid ?? ''];
      const { req, res } = conn?.transport ?? {};
      if (conn && res && req === request) this.clientOf(conn).addResponse(res);
    });
  }

  get figures(): SlowClientFigures {
    const waiting = [...this.behind.values()].map(({ bytes }) => bytes);
    return {
      disconnected: this.log.total(disconnected),
      dropped: this.log.total(dropped),
      waitingBytes: waiting.reduce((sum, bytes) => sum + bytes, 0),
      largestWaitingBytes: waiting.reduce((most, bytes) => Math.max(most, bytes), 0),
    };
  }

  isBehind(conn: EngineConnection): void {
    const client = this.clientOf(conn);
    if (client.isCondemned) client.abandon();
    else if (this.isPast(client)) this.relieve(client);
  }

  private clientOf(conn: EngineConnection): ClientBacklog {
    const known = this.behind.get(conn);
    if (known) return known;
    const client = new ClientBacklog(conn, this.clock);
    this.behind.set(conn, client);
    // What waits now is as old as this.
    client.since();
    if (!this.looking) {
      this.clock.begin();
      this.looking = setInterval(() => this.lookAtAll(), this.intervalMs).unref();
    }
    return client;
  }

  private get intervalMs(): number {
    return Math.min(lookIntervalMs, this.limits.bufferAgeMs / 4);
  }

  /** One message may be larger than the bound, and is then let wait beside what else may. */
  private isPast({ bytes, largest }: ClientBacklog): boolean {
    const { bufferBytes } = this.limits;
    return bytes > bufferBytes + (largest > bufferBytes ? largest : 0);
  }

  private relieve(client: ClientBacklog): void {
    this.drop(client, client.bytes - leftShare * this.limits.bufferBytes, -Infinity);
    if (this.isPast(client)) this.disconnect(client);
  }

  private lookAtAll(): void {
    this.clock.tick(this.intervalMs);
    const oldest = this.clock.now() - this.limits.bufferAgeMs;
    for (const client of this.behind.values()) {
      const isTooOld = client.since() < oldest;
      if (client.bytes === 0) this.behind.delete(client.conn);
      else if (isTooOld) this.disconnect(client);
      else this.drop(client, 0, oldest);
    }
    this.log.sayRest(performance.now());
    if (this.behind.size > 0) return;
    clearInterval(this.looking);
    this.looking = undefined;
  }

  private drop(client: ClientBacklog, bytes: number, sentBefore: number): void {
    const count = client.drop(bytes, sentBefore);
    if (count > 0) this.log.count(dropped, count, performance.now());
  }

  private disconnect(client: ClientBacklog): void {
    if (client.isCondemned) return;
    client.isCondemned = true;
    client.abandon();
    // One that has been let go already only fails to take what was sent before.
    if (client.conn.readyState !== 'closed') this.log.count(disconnected, 1, performance.now());
    // Not in the middle of a broadcast: what is sent to others because of it comes after, for each of them.
    process.nextTick(() => {
      // First, since listeners may throw.
      client.cut();
      client.conn.onClose('slow client');
      this.behind.delete(client.conn);
    });
  }
}
