import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { setTimeout as elapsed } from 'node:timers/promises';
import { onTestFinished } from 'vitest';

export type Direction = 'to the server' | 'to the client';

/** What becomes of the bytes of one direction. */
export type Fault =
  | { readonly kind: 'none' }
  /** Each byte comes so much later. */
  | { readonly kind: 'latency'; readonly ms: number }
  /**
   * Bytes vanish, and so do ends: nobody is told. New connections are taken. A connection that has lost something so
   * stays silent in that direction for ever, since what follows a gap would make no sense.
   */
  | { readonly kind: 'black hole' }
  /** Bytes and ends wait until another fault, or none, is set. */
  | { readonly kind: 'hold' }
  /** So many bytes at a time, with a pause after each. */
  | { readonly kind: 'drip'; readonly bytes: number; readonly everyMs: number }
  /** After so many bytes more of a connection it is reset: in the middle of whatever was said. */
  | { readonly kind: 'cut'; readonly afterBytes: number };

const none: Fault = { kind: 'none' };

/** What a connection may have on its way through the proxy before its sender has to wait. */
const windowBytes = 256 * 1024;

/** Stands between a client and a server on this machine, and does to their connections what networks do. */
export class FaultProxy {
  private readonly faults: Record<Direction, Fault> = { 'to the server': none, 'to the client': none };
  private readonly changes = new Set<() => void>();
  private readonly connections = new Set<Connection>();
  private server: Server | undefined;

  private constructor(
    readonly port: number,
    private readonly target: Target,
  ) {}

  static async open(target: Target): Promise<FaultProxy> {
    const server = createServer({ allowHalfOpen: true });
    const port = await listening(server, 0);
    const proxy = new FaultProxy(port, target);
    proxy.serve(server);
    return proxy;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  /** How many connections clients have to it. */
  get open(): number {
    return this.connections.size;
  }

  /** In one direction, or in both. A connection that is there already is concerned as well. */
  set(fault: Fault, ...directions: Direction[]): void {
    const concerned = directions.length > 0 ? directions : (['to the server', 'to the client'] as const);
    for (const direction of concerned) this.faults[direction] = fault;
    for (const change of this.changes) change();
  }

  heal(): void {
    this.set(none);
  }

  /** Ends every connection with RST, on both sides. */
  reset(): void {
    for (const connection of this.connections) connection.reset();
  }

  /** From here on, connections are refused; those that are there stay. */
  async refuse(): Promise<void> {
    const server = this.server;
    this.server = undefined;
    if (!server) return;
    // It ends its listening at once, and calls back only when all of its connections are gone.
    server.close();
    while (server.listening) await elapsed(1);
  }

  async accept(): Promise<void> {
    if (this.server) return;
    const server = createServer({ allowHalfOpen: true });
    await listening(server, this.port);
    this.serve(server);
  }

  async close(): Promise<void> {
    await this.refuse();
    this.reset();
    this.heal();
  }

  private serve(server: Server): void {
    this.server = server;
    server.on('connection', (client) => {
      const upstream = connect({ port: this.target.port, host: '127.0.0.1', allowHalfOpen: true });
      const connection = new Connection(client, upstream, (direction) => this.faults[direction], this.changes);
      this.connections.add(connection);
      void connection.ended.then(() => this.connections.delete(connection));
    });
  }
}

/** A proxy in front of a server, which ends with the test. */
export async function startFaultProxy(target: Target): Promise<FaultProxy> {
  const proxy = await FaultProxy.open(target);
  onTestFinished(() => proxy.close());
  return proxy;
}

interface Target {
  readonly port: number;
}

type FaultOf = (direction: Direction) => Fault;

class Connection {
  readonly ended: Promise<unknown>;

  constructor(
    private readonly client: Socket,
    private readonly upstream: Socket,
    faultOf: FaultOf,
    changes: Set<() => void>,
  ) {
    this.ended = Promise.all([closing(client), closing(upstream)]);
    for (const socket of [client, upstream]) {
      socket.setNoDelay(true);
      // What it means is decided by the close that follows.
      socket.on('error', () => {});
    }
    const reset = (): void => this.reset();
    void new Lane(client, upstream, () => faultOf('to the server'), changes, reset).run();
    void new Lane(upstream, client, () => faultOf('to the client'), changes, reset).run();
  }

  reset(): void {
    for (const socket of [this.client, this.upstream]) socket.resetAndDestroy();
  }
}

/** One direction of one connection. */
class Lane {
  private hasLost = false;
  private passed = 0;
  private cutFault: Fault | undefined;

  constructor(
    private readonly from: Socket,
    private readonly to: Socket,
    private readonly fault: () => Fault,
    private readonly changes: Set<() => void>,
    private readonly reset: () => void,
  ) {}

  async run(): Promise<void> {
    const arrived: Arrival[] = [];
    let wake: (() => void) | undefined;
    const put = (bytes: Buffer | 'end' | 'broken'): void => {
      arrived.push({ bytes, at: performance.now() });
      const waiting = arrived.reduce((sum, arrival) => sum + arrival.bytes.length, 0);
      if (waiting > windowBytes) this.from.pause();
      wake?.();
    };
    this.from.on('data', put);
    this.from.on('end', () => put('end'));
    this.from.on('close', (failed) => failed && put('broken'));

    while (!this.to.destroyed) {
      const arrival = arrived.shift();
      if (arrival) {
        this.from.resume();
        await this.pass(arrival);
        continue;
      }
      await new Promise<void>((resolve) => {
        wake = resolve;
        this.to.once('close', resolve);
      });
      this.to.off('close', wake!);
    }
  }

  private async pass({ bytes, at }: Arrival): Promise<void> {
    while (this.fault().kind === 'hold' && !this.to.destroyed) await this.changed();
    const fault = this.fault();
    if (fault.kind === 'black hole') this.hasLost = true;
    if (fault.kind === 'latency') await elapsed(Math.max(0, at + fault.ms - performance.now()));
    if (this.hasLost) {
      if (typeof bytes !== 'string') return;
      // The other end learns nothing, as long as the hole is there.
      while (this.fault().kind === 'black hole' && !this.to.destroyed) await this.changed();
      this.reset();
      return;
    }
    if (bytes === 'end') this.to.end();
    else if (bytes === 'broken') this.reset();
    else if (fault.kind === 'drip') await this.drip(bytes, fault);
    else if (fault.kind === 'cut') this.cut(bytes, fault);
    else await this.write(bytes);
  }

  private async drip(bytes: Buffer, { bytes: size, everyMs }: Extract<Fault, { kind: 'drip' }>): Promise<void> {
    for (let start = 0; start < bytes.length && !this.to.destroyed; start += size) {
      await this.write(bytes.subarray(start, start + size));
      if (this.fault().kind === 'drip') await elapsed(everyMs);
    }
  }

  private cut(bytes: Buffer, fault: Extract<Fault, { kind: 'cut' }>): void {
    if (this.cutFault !== fault) this.passed = 0;
    this.cutFault = fault;
    const left = fault.afterBytes - this.passed;
    this.passed += bytes.length;
    if (bytes.length < left) this.to.write(bytes);
    // The reset would overtake what was written before it.
    else this.to.write(bytes.subarray(0, left), () => setTimeout(this.reset, 10));
  }

  private async write(bytes: Buffer): Promise<void> {
    if (this.to.destroyed || this.to.write(bytes)) return;
    await Promise.race([new Promise((resolve) => this.to.once('drain', resolve)), closing(this.to)]);
  }

  private async changed(): Promise<void> {
    await new Promise<void>((resolve) => {
      const done = (): void => {
        this.changes.delete(done);
        this.to.off('close', done);
        resolve();
      };
      this.changes.add(done);
      this.to.once('close', done);
    });
  }
}

interface Arrival {
  readonly bytes: Buffer | 'end' | 'broken';
  readonly at: number;
}

async function listening(server: Server, port: number): Promise<number> {
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

function closing(socket: Socket): Promise<void> {
  return new Promise((resolve) => (socket.destroyed ? resolve() : void socket.once('close', () => resolve())));
}
