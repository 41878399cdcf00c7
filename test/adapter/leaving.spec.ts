import { setImmediate as turn } from 'node:timers/promises';
import { WebSocketGateway } from '@nestjs/websockets';
import { describe, expect, it } from 'vitest';
import { ask, beginSession } from '../support/engine-requests.js';
import { serveGateways } from '../support/gateways.js';

@WebSocketGateway()
class SilentGateway {}

const server = { transports: ['polling' as const] };

describe('a polling client that is let go', () => {
  it('between two polls, is waited for and told with the next', async () => {
    const { adapter, url } = await serveGateways([SilentGateway], { server });
    const sid = await beginSession(url);

    const leaving = follow(adapter.clients(0, 10_000));
    for (let wait = 0; wait < 20; wait++) await turn();

    expect(leaving.isOver).toBe(false);
    // Engine.IO's packets for "nothing" and "close".
    expect(await ask(url, { sid })).toMatchObject({ status: 200, body: '6\x1e1' });
    await leaving.over;
  });

  it('is waited for no longer than it may take', async () => {
    const { adapter, url } = await serveGateways([SilentGateway], { server });
    await beginSession(url);

    await follow(adapter.clients(0, 50)).over;

    expect(adapter.connections).toBe(1);
  });
});

function follow(clients: readonly { leave(): Promise<void> }[]) {
  const leaving = { isOver: false, over: Promise.all(clients.map((client) => client.leave())) };
  void leaving.over.then(() => (leaving.isOver = true));
  return leaving;
}
