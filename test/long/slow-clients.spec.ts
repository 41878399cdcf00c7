import { describe, expect, it } from 'vitest';
import { slowClientPolicies } from '../../src/slow-clients.js';
import type { Flooded } from '../fixtures/flood.server.js';
import { connectStuck, FloodReader, type FloodServer, startFloodServer } from '../support/flood.js';

const megabyte = 1_000_000;
const size = 10_000;
const slow = 10;
/** With and without them in turn, so that both see the same machine. */
const rounds = 4;

describe('ten clients that never read, under 200 MB of broadcasts', () => {
  it.each(slowClientPolicies)(
    'cost less than 32 MiB, and the others nothing, with the policy %s',
    async (policy) => {
      const server = await startFloodServer({ adapter: 'ours', slowClients: { policy } });
      const readers = await connectReaders(server);
      // What a first flood sets up for good is no cost of slow clients.
      await floodOf(server, readers, 5 * megabyte);
      const [without, withThem]: [FloodResult[], FloodResult[]] = [[], []];
      for (let round = 0; round < rounds; round++) {
        without.push(await floodOf(server, readers, (100 / rounds) * megabyte));
        const stuck = await connectStuck(server.url, slow);
        withThem.push(await floodOf(server, readers, (200 / rounds) * megabyte));
        for (const { socket } of stuck) socket.destroy();
      }

      const [control, measured] = [summaryOf(without), summaryOf(withThem)];
      process.stdout.write(`${policy}: ${describeSummary(measured)}; without them ${describeSummary(control)}\n`);
      expect(measured.held - control.held).toBeLessThan(32 * 2 ** 20);
      expect(measured.rss - control.rss).toBeLessThan(32 * 2 ** 20);
      expect(readers.map(({ wrong }) => wrong)).toEqual(readers.map(() => undefined));
      expect(measured.heard).toBe((readers.length * 200 * megabyte) / size);
      // What is left of the noise of a machine that does other things as well.
      expect(measured.latencyMs).toBeLessThan(2 * control.latencyMs + 2);
      const { disconnected, dropped } = withThem.at(-1)!.figures!;
      expect(disconnected).toBe(policy === 'disconnect' ? rounds * slow : 0);
      expect(dropped > slow * 10_000).toBe(policy !== 'disconnect');
    },
    240_000,
  );
});

describe('a client that never reads, with Nest’s own adapter', () => {
  it('costs more than all that it was sent', async () => {
    const server = await startFloodServer({ adapter: 'stock' });
    const readers = await connectReaders(server);
    await connectStuck(server.url, 1);

    const { mostHeld } = await floodOf(server, readers, 50 * megabyte);

    process.stdout.write(`stock: ${inMiB(mostHeld)} held for one client under 50 MB\n`);
    expect(mostHeld).toBeGreaterThan(40 * megabyte);
  });
});

type FloodResult = Flooded & { readonly latencies: readonly number[] };

async function connectReaders({ url }: FloodServer): Promise<FloodReader[]> {
  return await Promise.all([1, 2, 3].map(() => FloodReader.connect(url)));
}

async function floodOf(server: FloodServer, readers: readonly FloodReader[], bytes: number): Promise<FloodResult> {
  for (const reader of readers) reader.latencies = [];
  const fences = readers.map((reader) => reader.fenced());
  const [flooded] = await Promise.all([server.flood({ messages: bytes / size, size }), ...fences]);
  return { ...flooded, latencies: readers.flatMap(({ latencies }) => latencies) };
}

function summaryOf(results: readonly FloodResult[]) {
  const latencies = results.flatMap((result) => result.latencies).toSorted((one, other) => one - other);
  return {
    held: Math.max(...results.map(({ mostHeld }) => mostHeld)),
    rss: Math.max(...results.map(({ mostRss }) => mostRss)),
    heard: latencies.length,
    latencyMs: latencies[latencies.length >> 1]!,
  };
}

function describeSummary({ held, rss, latencyMs }: ReturnType<typeof summaryOf>): string {
  return `held ${inMiB(held)}, resident ${inMiB(rss)}, median latency ${latencyMs.toFixed(2)} ms`;
}

function inMiB(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(1)} MiB`;
}
