import { describe, expect, it } from 'vitest';
import { type ClientKind, clientKinds, sendCrowd } from '../../support/crowd.js';
import { ask, beginSession, unknownSession } from '../../support/engine-requests.js';
import { eventually } from '../../support/eventually.js';
import { startRoundRobin } from '../../support/round-robin.js';
import { type RunningHost, startHosts } from '../../support/start-hosts.js';

/** Nine processes start first. */
const timeoutMs = 120_000;

describe('three hosts behind a balancer that sticks to nothing', () => {
  it('serve default, WebSocket-only and polling-only clients without one error', { timeout: timeoutMs }, async () => {
    const hosts = await startHosts();
    const { url } = await startRoundRobin(hosts.map(({ port }) => port));

    for (const kind of Object.keys(clientKinds) as ClientKind[]) {
      const { landed, ...seen } = await sendCrowd(url, kind, { clients: 30, events: 6 });

      expect({ kind, ...seen }).toEqual({
        kind,
        welcomed: 30,
        acknowledged: 180,
        transports: { [kind === 'polling-only' ? 'polling' : 'websocket']: 30 },
        errors: [],
      });
      expect(new Set(Object.keys(landed).map((worker) => worker.split('/')[0]))).toEqual(
        new Set(['host-1', 'host-2', 'host-3']),
      );
    }
  });
});

describe('a host without ADVERTISE_URL', () => {
  it('has its sessions refused by the others, each worker of which says once what to configure', async () => {
    const [first, second, other] = await startHosts({ workers: 1, advertise: () => undefined });
    const saidOf = ({ name }: RunningHost): string[] =>
      other!.output().match(new RegExp(`a client of host ${name} came here and was refused: .*`, 'g')) ?? [];
    const refuse = async (owner: RunningHost, sid: string): Promise<void> => {
      expect(await ask(other!.url, { sid })).toMatchObject(unknownSession);
      expect(await ask(owner.url, { sid, body: '42["whereami"]' })).toMatchObject({ status: 200 });
    };
    const [mine, last] = [await beginSession(first!.url), await beginSession(second!.url)];
    await eventually(
      () => refuse(first!, mine),
      () => saidOf(first!).length > 0,
    );

    for (let round = 0; round < 5; round++) await refuse(first!, mine);
    await eventually(
      () => refuse(second!, last),
      () => saidOf(second!).length > 0,
    );

    expect(saidOf(first!)).toEqual([
      'a client of host host-1 came here and was refused: set ADVERTISE_URL on every host, ' +
        'or let the balancer send each client to one host',
    ]);
  });
});

describe('a host that was killed', () => {
  it('has its sessions answered as unknown at once', async () => {
    const [killed, other] = await startHosts({ hosts: 2 });
    const sid = await beginSession(killed!.url);
    await reaches(other!, sid);
    const waiting = ask(other!.url, { sid });
    await reaches(other!, sid);
    const said = other!.says(/host host-1 cannot be reached at http:\/\/127\.0\.0\.1:\d+ \(/);

    const workers = await killed!.workerPids();
    for (const pid of [killed!.process.pid!, ...workers.values()]) process.kill(pid, 'SIGKILL');
    await killed!.exited;

    expect(await waiting).toMatchObject(unknownSession);
    const asked = performance.now();
    expect(await ask(other!.url, { sid })).toMatchObject(unknownSession);
    expect(await ask(other!.url, { sid, body: '42["whereami"]' })).toMatchObject(unknownSession);
    expect(performance.now() - asked).toBeLessThan(1_000);
    await said;
  });
});

describe('hosts that name their balancer as their ADVERTISE_URL', () => {
  it('refuse what it sends to the wrong one, rather than send it round', async () => {
    const ports: number[] = [];
    const balancer = await startRoundRobin(ports);
    const [owner, other] = await startHosts({ hosts: 2, workers: 1, advertise: () => balancer.url });
    ports.push(other!.port, owner!.port);
    const sid = await beginSession(owner!.url);
    const requestOther = (): Promise<unknown> => ask(other!.url, { sid, body: '42["whereami"]' });
    const first = await eventually(requestOther, () => balancer.connections() > 0);

    expect(first).toMatchObject(unknownSession);
    expect(balancer.connections()).toBe(1);
  });
});

/** Resolves once a host brings the polls of that session to their owner. */
async function reaches(host: RunningHost, sid: string): Promise<void> {
  await eventually(
    () => ask(host.url, { sid, body: '42["whereami"]' }),
    ({ status }) => status === 200,
  );
}
