import { describe, expect, it } from 'vitest';
import type { ExitKind } from '../../../src/cluster/exit-kind.js';
import { next } from '../../support/clients.js';
import { isWhole, startSupervised, troubleEntry, type TroubleClient } from '../../support/start-supervised.js';

interface Ending {
  readonly kind: ExitKind;
  readonly fact: RegExp;
  readonly end: (worker: TroubleClient) => void;
}

const endings: readonly Ending[] = [
  { kind: 'killed', fact: /SIGKILL/, end: ({ pid }) => process.kill(pid, 'SIGKILL') },
  { kind: 'crashed', fact: /exit code 3/, end: ({ client }) => client.emit('exit', 3) },
  { kind: 'clean', fact: /exit code 0/, end: ({ pid }) => process.kill(pid, 'SIGTERM') },
  {
    kind: 'out of memory',
    fact: /SIGABRT|exit code 134/,
    end: ({ client }) => client.emit('exhaustHeap'),
  },
];

describe('status', () => {
  it('counts each worker that ended under its kind, and each is replaced in its slot', async () => {
    const cluster = await startSupervised({ workers: 2, env: { NODE_OPTIONS: '--max-old-space-size=96' } });
    const sibling = await cluster.connectTo(2);
    const counted: Partial<Record<ExitKind, number>> = {};

    for (const { kind, fact, end } of endings) {
      const worker = await cluster.connectTo(1);
      const said = cluster.says(/worker 1 exited/);
      end(worker);

      expect(await said).toMatch(fact);
      counted[kind] = (counted[kind] ?? 0) + 1;
      const { exits, workers } = await cluster.until(
        (status) => isWhole(status) && status.exits[kind] === counted[kind],
      );
      expect(exits).toEqual({ ...zero(exits), ...counted });
      expect(workers).toMatchObject([{ slot: 1 }, { slot: 2, pid: sibling.pid, restarts: 0 }]);
      expect(workers[0]!.pid).not.toBe(worker.pid);
      worker.client.disconnect();
    }
    expect((await cluster.ctl('status')).stdout).toContain('ended: clean 1, crashed 1, killed 1, out of memory 1');
  });
});

describe.each([
  ['an exception', 'throwLater', 'nobody caught this'],
  ['a rejection', 'rejectLater', 'nobody awaited this'],
])('%s that nobody caught in a worker', (_, trouble, message) => {
  it('is logged with its stack, and the worker lets its clients go before it is replaced', async () => {
    const cluster = await startSupervised({ workers: 2 });
    const [culprit, bystander] = [await cluster.connectTo(1), await cluster.connectTo(1)];
    const events: string[] = [];
    bystander.client.once('disconnect', (reason) => void events.push(reason));
    const back = next(bystander.client, 'connect' as never);
    const answer = bystander.client.emitWithAck('answerAfter', 300).then(() => events.push('answer'));
    await bystander.client.emitWithAck('whoami');
    const logged = cluster.says(new RegExp(message));
    const said = cluster.says(/worker 1 exited/);

    culprit.client.emit(trouble);

    await logged;
    for (let attempt = 0; attempt < 4; attempt++) expect((await cluster.connectTo()).pid).not.toBe(culprit.pid);
    await answer;
    await back;
    expect(events).toEqual(['answer', 'transport close']);
    expect(await said).toMatch(/\(crashed, exit code 1\)/);
    expect(cluster.output()).toMatch(new RegExp(`FATAL.*Error: ${message}\n\\s+at .*trouble\\.gateway\\.js`));
    const { exits } = await cluster.until((status) => isWhole(status) && status.exits.crashed === 1);
    expect(exits.killed).toBe(0);
  });
});

describe('an exception that nobody caught in the primary', () => {
  it('ends the program in good order with exit code 1', async () => {
    const cluster = await startSupervised({ entry: troubleEntry, workers: 2 });
    const { client } = await cluster.connectTo();
    const left = next(client, 'disconnect' as never);

    cluster.process.kill('SIGUSR2');

    expect(await left).toContain('transport close');
    expect(await cluster.exited).toEqual({ code: 1, signal: null });
    expect(cluster.output()).toMatch(/FATAL.*Error: nobody caught this in the primary\n\s+at .*trouble\.cluster\.js/);
    // Workers that had merely lost their primary would not have closed anything.
    expect(cluster.output()).not.toContain('cutting what is left');
  });
});

function zero(exits: Readonly<Record<ExitKind, number>>): Partial<Record<ExitKind, number>> {
  return Object.fromEntries(Object.keys(exits).map((kind) => [kind, 0]));
}
