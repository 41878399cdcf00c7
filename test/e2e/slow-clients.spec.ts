import { describe, expect, it } from 'vitest';
import type { Health } from '../../src/ops/health.controller.js';
import { eventually } from '../support/eventually.js';
import { RawClient } from '../support/raw-client.js';
import { startSupervised } from '../support/start-supervised.js';

describe('a client of the program that reads nothing more', () => {
  it('is cut off, which /health, the status and one line of the log say', async () => {
    const program = await startSupervised({
      entry: 'dist/main.cluster.js',
      workers: 1,
      env: { CLIENT_BUFFER_BYTES: '65536', CLIENT_BUFFER_AGE_MS: '60000' },
    });
    const stuck = await RawClient.connect(program.url);
    stuck.send('420["join","lobby"]');
    await stuck.until('430');
    stuck.pause();
    const speaker = await program.connect();
    const said = program.says(/SlowClients/);

    const health = await eventually(
      async () => {
        const words = Array.from({ length: 1_000 }, () => speaker.client.emitWithAck('say', say));
        await Promise.all(words);
        return await healthOf(program.url);
      },
      ({ slowClients }) => slowClients.disconnected > 0,
    );
    const status = await program.until(({ workers }) => workers[0]?.slowClients?.disconnected === 1);

    expect(health).toMatchObject({ status: 'ok', slowClients: { disconnected: 1, dropped: 0, waitingBytes: 0 } });
    expect(status.workers[0]).toMatchObject({ connections: 1, slowClients: health.slowClients });
    expect(await said).toContain('slow clients disconnected: 1, and 1 since the start');
    expect((await program.ctl('status')).stdout).toMatch(/waiting +cut off +dropped\n.* 0 KiB +1 +0\n/);
  });
});

const say = { room: 'lobby', text: 'x'.repeat(1_000) };

async function healthOf(url: string): Promise<Health> {
  return (await (await fetch(`${url}/health`)).json()) as Health;
}
