import { describe, expect, it } from 'vitest';
import { carrierEnvironment, carriers } from '../../support/carriers.js';
import { type CrowdReport, sendCrowd } from '../../support/crowd.js';
import { startProgram } from '../../support/start-program.js';

const workers = 4;

describe.each(carriers)('4 workers behind one port, over the %s carrier', (carrier) => {
  it('serve 500 default, 500 WebSocket-only and 200 polling-only clients that come at once', async () => {
    const cluster = await startProgram({ workers, env: carrierEnvironment(carrier) });

    const reports = await Promise.all([
      sendCrowd(cluster.url, 'default', { clients: 500, events: 4 }),
      sendCrowd(cluster.url, 'WebSocket-only', { clients: 500, events: 4 }),
      sendCrowd(cluster.url, 'polling-only', { clients: 200, events: 4 }),
    ]);

    process.stdout.write(`landed: ${JSON.stringify(reports.map(({ landed }) => landed))}\n`);
    expect(reports.flatMap(({ errors }) => errors)).toEqual([]);
    expect(reports.map(({ welcomed, acknowledged, transports }) => ({ welcomed, acknowledged, transports }))).toEqual([
      { welcomed: 500, acknowledged: 2_000, transports: { websocket: 500 } },
      { welcomed: 500, acknowledged: 2_000, transports: { websocket: 500 } },
      { welcomed: 200, acknowledged: 800, transports: { polling: 200 } },
    ]);
    for (const { landed } of reports satisfies CrowdReport[]) expect(Object.keys(landed)).toHaveLength(workers);
  });
});
