import { describe, expect, it } from 'vitest';
import { carrierEnvironment, carriers } from '../../support/carriers.js';
import { type ClientKind, sendCrowd } from '../../support/crowd.js';
import { startProgram } from '../../support/start-program.js';

const workers = 4;
const events = 4;

/** What holds whatever the numbers are: everybody is served, wherever his connections land. */
export function anyWorkerServes(crowds: Readonly<Record<ClientKind, number>>): void {
  describe.each(carriers)('4 workers behind one port, over the %s carrier', (carrier) => {
    it(`serve clients that come at once: ${JSON.stringify(crowds)}`, async () => {
      const cluster = await startProgram({ workers, env: carrierEnvironment(carrier) });

      const reports = await Promise.all(
        Object.entries(crowds).map(async ([kind, clients]) => {
          const report = await sendCrowd(cluster.url, kind as ClientKind, { clients, events });
          return { kind, clients, ...report };
        }),
      );

      const landed = Object.fromEntries(reports.map((report) => [report.kind, report.landed]));
      process.stdout.write(`landed: ${JSON.stringify(landed)}\n`);
      expect(reports).toEqual(
        reports.map(({ kind, clients, landed: anywhere }) => ({
          kind,
          clients,
          welcomed: clients,
          acknowledged: clients * events,
          transports: { [kind === 'polling-only' ? 'polling' : 'websocket']: clients },
          errors: [],
          landed: anywhere,
        })),
      );
      expect(new Set(reports.flatMap((report) => Object.keys(report.landed))).size).toBe(workers);
    });
  });
}
