import { describe, expect, it } from 'vitest';
import { startHaproxy, startNginx } from '../../support/balancers.js';
import { clientKinds, type ClientKind, sendCrowd } from '../../support/crowd.js';
import { startHosts } from '../../support/start-hosts.js';

const balancers = {
  'nginx, with connections kept to the hosts': (ports: readonly number[]) => startNginx(ports),
  'nginx, with a connection for each request': (ports: readonly number[]) =>
    startNginx(ports, (site) => site.replace(/^ *keepalive .*\n/m, '')),
  HAProxy: startHaproxy,
};

const events = 6;

/** Nine processes start first. */
const timeoutMs = 200_000;

/** What holds whatever the numbers are: everybody is served, whichever host the balancer picks for a request. */
export function threeHostsServe(crowds: Readonly<Record<ClientKind, number>>): void {
  describe.each(Object.entries(balancers))('three hosts behind %s', (name, startBalancer) => {
    it('serve default, WebSocket-only and polling-only clients without one error', { timeout: timeoutMs }, async () => {
      const hosts = await startHosts();
      const url = await startBalancer(hosts.map(({ port }) => port));

      for (const kind of Object.keys(clientKinds) as ClientKind[]) {
        const clients = crowds[kind];
        const started = performance.now();
        const { landed, ...seen } = await sendCrowd(url, kind, { clients, events });
        const tookMs = Math.round(performance.now() - started);
        process.stdout.write(`${name}: ${clients} ${kind} clients in ${tookMs} ms: ${JSON.stringify(landed)}\n`);

        expect({ kind, ...seen }).toEqual({
          kind,
          welcomed: clients,
          acknowledged: clients * events,
          transports: { [kind === 'polling-only' ? 'polling' : 'websocket']: clients },
          errors: [],
        });
        expect(hostsOf(landed)).toEqual(new Set(hosts.map((host) => host.name)));
      }
    });
  });
}

function hostsOf(landed: Readonly<Record<string, number>>): Set<string> {
  return new Set(Object.keys(landed).map((worker) => worker.split('/')[0]!));
}
