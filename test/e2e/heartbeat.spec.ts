import { describe, expect, it } from 'vitest';
import type { Heartbeat } from '../../src/events.js';
import { carrierEnvironment, carriers } from '../support/carriers.js';
import { collect, open } from '../support/clients.js';
import { startProgram } from '../support/start-program.js';

describe.each(carriers)('the heartbeat over the %s carrier', (carrier) => {
  it('reaches each client of four workers exactly once a beat, without a gap', async () => {
    const cluster = await startProgram({ workers: 4, env: carrierEnvironment(carrier) });
    const clients = await cluster.connectToEach();
    clients.push(...(await Promise.all(Array.from({ length: 8 }, async () => (await cluster.connect()).client))));

    const beats = await Promise.all(
      clients.map((client) => collect<Heartbeat>(client, 'heartbeat', ({ length }) => length === 30)),
    );

    for (const heard of beats) {
      const first = heard[0]!.sequence;
      expect(heard.map(({ sequence }) => sequence)).toEqual(Array.from({ length: 30 }, (_, index) => first + index));
    }
  });

  it('is told in the contract’s form: a sequence and when it was sent', async () => {
    const cluster = await startProgram({ workers: 1, env: carrierEnvironment(carrier) });
    const before = Date.now();

    const [beat] = await collect<Heartbeat>(open(cluster.url), 'heartbeat', ({ length }) => length === 1);

    expect(beat).toEqual({ sequence: expect.any(Number), sentAt: expect.any(Number) });
    expect(beat!.sentAt).toBeGreaterThan(before - 1_000);
  });

  it('goes on in the same sequence when a worker is killed', async () => {
    // A primary that stands still for two beats on a busy machine leaves one out.
    const env = { ...carrierEnvironment(carrier), HEARTBEAT_INTERVAL_MS: '500' };
    const cluster = await startProgram({ workers: 2, env });
    const [survivor] = await cluster.connectToEach();
    const victim = (await cluster.workerPids()).get(2)!;
    const heard = collect<Heartbeat>(survivor!, 'heartbeat', ({ length }) => length === 5);

    process.kill(victim, 'SIGKILL');

    const sequences = (await heard).map(({ sequence }) => sequence);
    expect(sequences).toEqual(Array.from({ length: 5 }, (_, index) => sequences[0]! + index));
  });
});
