import { once } from 'node:events';
import type { Flood, Flooded, FloodSettings } from '../fixtures/flood.server.js';
import { RawClient } from './raw-client.js';
import { startTold } from './told-process.js';

export interface FloodServer {
  readonly url: string;
  flood(what: Flood): Promise<Flooded>;
}

/** A server in a process of its own, whose memory holds nothing of the test. It ends with the test. */
export async function startFloodServer(settings: FloodSettings): Promise<FloodServer> {
  const { said: port, tell } = await startTold<Flood>('flood.server.js', settings);
  return { url: `http://127.0.0.1:${String(port)}`, flood: async (what) => (await tell(what)) as Flooded };
}

/** A client that reads, keeps nothing, and knows what was not in its place. */
export class FloodReader {
  /** How long each message took, in milliseconds. */
  latencies: number[] = [];
  /** The first message that was not the next; undefined while all were. */
  wrong: number | undefined;
  private fences = 0;

  private constructor(private readonly client: RawClient) {
    client.socket.on('data', () => {
      for (const frame of client.frames.splice(0)) this.hear(String(frame));
    });
  }

  static async connect(url: string): Promise<FloodReader> {
    const client = await RawClient.connect(url);
    client.send('420["I read"]');
    await client.until('430');
    return new FloodReader(client);
  }

  /** Resolves once the flood has gone by; it begins anew with the next one. */
  async fenced(): Promise<void> {
    while (this.fences === 0) await once(this.client.socket, 'data');
    this.fences--;
  }

  private hear(frame: string): void {
    if (frame === '42["fence"]') this.fences++;
    const [, sequence, sentAt] = /^42\["flood",(\d+),([\d.]+),/.exec(frame.slice(0, 80)) ?? [];
    if (sequence === undefined) return;
    if (Number(sequence) !== this.latencies.length) this.wrong ??= Number(sequence);
    this.latencies.push(performance.timeOrigin + performance.now() - Number(sentAt));
  }
}

/** Clients that have connected and read nothing more. */
export async function connectStuck(url: string, count: number): Promise<RawClient[]> {
  const clients: RawClient[] = [];
  for (let index = 0; index < count; index++) clients.push(await RawClient.connect(url));
  for (const client of clients) client.pause();
  return clients;
}
