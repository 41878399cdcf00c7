import { fork } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openUntyped } from '../../support/clients.js';
import type { AdapterName } from '../../support/gateways.js';

/** What a gateway does wrong, by the name that the fixture has for it. */
const faults: readonly (readonly [gateway: string, stock: 'ends' | 'lives', heard: readonly unknown[]])[] = [
  ['ConnectThrows', 'ends', ['exception', 'io server disconnect']],
  ['ConnectRejects', 'ends', ['exception', 'io server disconnect']],
  ['DisconnectThrows', 'ends', []],
  ['DisconnectRejects', 'ends', []],
  ['InitThrows', 'ends', []],
  ['InitRejects', 'ends', []],
  ['ReturnsCircle', 'ends', ['acknowledged']],
  ['EmitsBigInt', 'ends', ['acknowledged']],
  ['ReturnsTrap', 'ends', ['acknowledged']],
  ['ReturnsDepth', 'ends', ['acknowledged']],
  ['ListenerThrows', 'ends', ['acknowledged']],
  ['ListenerRejects', 'ends', ['acknowledged']],
  ['AnyListenerThrows', 'ends', ['acknowledged']],
  ['MiddlewareThrows', 'ends', ['acknowledged']],
  ['MiddlewareRejects', 'ends', ['acknowledged']],
  ['DisconnectListenerThrows', 'ends', []],
  ['FinalizerThrows', 'ends', ['acknowledged']],
  ['AcknowledgesCircle', 'ends', ['acknowledged']],
];

describe('a worker whose gateway is wrong in the way of', () => {
  it.each(faults)('%s %s with Nest’s own adapter, and lives with ours', async (gateway, stock, heard) => {
    const [before, after] = await Promise.all([provoke('stock', gateway), provoke('ours', gateway)]);

    expect(before.outcome).toBe(stock);
    expect(after).toEqual({ outcome: 'lives', heard });
  });
});

async function provoke(adapter: AdapterName, gateway: string) {
  const server = fork('dist/test/fixtures/faults.server.js', [adapter, gateway], { silent: true });
  const exited = once(server, 'exit').then(() => 'ends' as const);
  onTestFinished(async () => {
    server.kill('SIGKILL');
    await exited;
  });
  const started = await Promise.race([once(server, 'message').then(([port]) => port as number), exited]);
  if (started === 'ends') return { outcome: started, heard: [] };

  const heard: string[] = [];
  const url = `http://127.0.0.1:${started}`;
  const healthy = openUntyped(`${url}/healthy`, { reconnection: false });
  const faulty = openUntyped(`${url}/faulty`, { reconnection: false });
  faulty.on('exception', () => heard.push('exception'));
  const left = new Promise<void>((resolve) =>
    faulty.once('disconnect', (reason) => {
      if (reason === 'io server disconnect') heard.push(reason);
      resolve();
    }),
  );
  const connected = new Promise<void>((resolve) => faulty.once('connect', resolve));
  const lives = (async () => {
    await connected;
    const acknowledged = gateway.startsWith('Connect')
      ? left
      : new Promise<void>((resolve) => {
          faulty.emit('fault', () => {
            heard.push('acknowledged');
            resolve();
          });
          if (/^(Disconnect|Init)/.test(gateway)) resolve();
        });
    await acknowledged;
    faulty.disconnect();
    for (let ping = 0; ping < 10; ping++) await healthy.emitWithAck('ping');
    return 'lives' as const;
    // A ping that the ending of the process has cut says the same as its exit.
  })().catch(() => exited);
  return { outcome: await Promise.race([lives, exited]), heard: heard.filter(isExpectedOf(gateway)) };
}

/** For a gateway that serves no event its acknowledgement says nothing about the fault. */
function isExpectedOf(gateway: string): (word: string) => boolean {
  return (word) => !(/^(Disconnect|Init)/.test(gateway) && word === 'acknowledged');
}
