import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Audience, farewells, listenerKinds, type Round, type Step, type Target } from '../support/audience.js';
import { type CarrierName, carriers } from '../support/carriers.js';
import { startNodes } from '../support/nodes.js';
import { forms } from '../support/words.js';

/** SEED repeats a run. */
const seed = Number(process.env['SEED'] ?? Date.now() % 2 ** 31);
const runs = 25;
/** After so long no more histories are tried, on a machine that is slow. */
const mostMs = 12_000;
/** How long a history that breaks the rule is made shorter. */
const shrinkMs = 20_000;

const pick = fc.nat(1_000);
const room = fc.constantFrom('red', 'green', 'blue');
const rooms = fc.uniqueArray(room, { minLength: 1, maxLength: 2 });

const target: fc.Arbitrary<Target> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ type: fc.constantFrom('all', 'direct') }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constantFrom('others', 'id') }) },
  { weight: 4, arbitrary: fc.record({ type: fc.constantFrom('rooms', 'except'), rooms }) },
);

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 16,
    arbitrary: fc.record({
      type: fc.constant('emit'),
      node: fc.nat(1),
      pick,
      target,
      times: fc.oneof(
        { weight: 4, arbitrary: fc.constant(1) },
        { weight: 1, arbitrary: fc.integer({ min: 2, max: 20 }) },
      ),
      form: fc.constantFrom(...forms),
      // Where the head of a WebSocket's frame grows, and beyond what Node and the kernel take at once.
      size: fc.constantFrom(0, 1, 20, 60, 100, 125, 126, 300, 5_000, 66_000),
      flags: fc.oneof(
        { weight: 6, arbitrary: fc.constant([]) },
        { weight: 2, arbitrary: fc.subarray(['local', 'volatile'] as const) },
      ),
      compress: fc.option(fc.boolean(), { nil: undefined }),
      asks: fc.boolean(),
    }),
  },
  { weight: 4, arbitrary: fc.record({ type: fc.constant('turns'), count: fc.integer({ min: 1, max: 3 }) }) },
  { weight: 3, arbitrary: fc.record({ type: fc.constant('ask'), pick }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('visit'), pick }) },
  {
    weight: 1,
    arbitrary: fc.record({ type: fc.constant('farewell'), pick, how: fc.constantFrom(...farewells) }),
  },
);

const round: fc.Arbitrary<Round> = fc.record({
  changes: fc.array(fc.record({ pick, change: fc.constantFrom('join', 'leave'), room }), {
    maxLength: 10,
  }),
  steps: fc.array(step, { minLength: 1, maxLength: 40, size: 'max' }),
});

const rounds = fc.array(round, { minLength: 1, maxLength: 6, size: 'max' });

describe.each(carriers)(`clients of every kind on two nodes over the %s carrier (SEED=${seed})`, (carrier) => {
  it('hear what each node sends once and in order, whatever goes on beside it', async () => {
    await expect(forAll(carrier)).resolves.toBeUndefined();
  });
});

/** Says the seed of a history that breaks the rule, and the shortest such history that is found in time. */
async function forAll(carrier: CarrierName): Promise<void> {
  const server = { transports: ['polling' as const, 'websocket' as const], allowEIO3: true };
  // The clients are in this process, and cannot read what a single turn brings.
  const nodes = await startNodes(carrier, 2, { server, slowClients: { bufferBytes: 2 ** 30 } });
  const kinds = [...listenerKinds, ...listenerKinds];
  let until = performance.now() + mostMs;
  let failed = false;
  const rule = fc.asyncProperty(rounds, async (history) => {
    if (performance.now() > until) return;
    const audience = new Audience(nodes, kinds);
    try {
      expect(await audience.play(history)).toEqual([]);
    } catch (error) {
      if (!failed) until = performance.now() + shrinkMs;
      failed = true;
      throw error;
    } finally {
      await audience.end();
    }
  });
  await fc.assert(rule, { seed, numRuns: runs });
}
