import { stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, inject, it } from 'vitest';
import { runCtl } from '../../support/ctl.js';
import { isAlive, runToEnd } from '../../support/start-program.js';
import { isWhole, pidsOf, startSupervised } from '../../support/start-supervised.js';
import { temporaryFolder } from '../../support/temporary-folder.js';

/** What a person should get of a failure: one line, no stack. */
const oneSentence = /^[A-Z][^\n]*\.\n$/;

describe('the control socket', () => {
  it('is for its owner alone, and goes with the program', async () => {
    const cluster = await startSupervised({ workers: 1 });

    expect((await stat(cluster.controlSocket)).mode & 0o777).toBe(0o600);
    expect(await cluster.ctl('stop')).toMatchObject({ code: 0, stderr: '' });

    expect(await cluster.exited).toEqual({ code: 0, signal: null });
    await expect(stat(cluster.controlSocket)).rejects.toThrow('ENOENT');
  });

  it('of a primary that was killed is replaced', async () => {
    const killed = await startSupervised({ workers: 1 });
    const { controlSocket } = killed;
    killed.process.kill('SIGKILL');
    await killed.exited;
    expect((await stat(controlSocket)).isSocket()).toBe(true);

    const cluster = await startSupervised({ workers: 1, env: { CONTROL_SOCKET: controlSocket } });

    expect((await cluster.status()).primary.pid).toBe(cluster.process.pid);
  });

  it('of another cluster, or a file in its place, ends the program with one sentence and exit code 1', async () => {
    const cluster = await startSupervised({ workers: 1 });
    const file = path.join(temporaryFolder(), 'file');
    await writeFile(file, 'not a socket');

    for (const socket of [cluster.controlSocket, file]) {
      const { code, stderr } = await runToEnd({ env: { CONTROL_SOCKET: socket } });
      expect(code).toBe(1);
      expect(stderr).toMatch(oneSentence);
      expect(stderr).toContain(`The control socket ${socket} cannot be used`);
    }
    expect((await cluster.status()).primary.pid).toBe(cluster.process.pid);
    expect((await stat(file)).isFile()).toBe(true);
  });
});

describe('ctl', () => {
  it('status --json has the contract’s shape, and nothing of the environment', async () => {
    const secret = 'hunter2';
    const redisUrl = new URL(inject('redisUrl'));
    redisUrl.username = 'default';
    redisUrl.password = secret;
    const env = { HOST_NAME: 'host-a', REDIS_URL: redisUrl.href, TEAM_TOKEN: secret };
    const cluster = await startSupervised({ workers: 2, env });

    const { code, stdout, stderr } = await cluster.ctl('status', '--json');

    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const worker = {
      pid: expect.any(Number),
      state: 'ready',
      connections: 0,
      uptimeMs: expect.any(Number),
      restarts: 0,
    };
    expect(JSON.parse(stdout)).toMatchObject({
      primary: { pid: cluster.process.pid },
      host: 'host-a',
      port: Number(new URL(cluster.url).port),
      wanted: 2,
      workers: [
        { ...worker, slot: 1 },
        { ...worker, slot: 2 },
      ],
    });
    const readable = await cluster.ctl('status');
    expect(readable.stdout).toMatch(
      /^primary \d+ on host-a, port \d+ \((?:reuse-port|round-robin)\): 2 workers wanted\nslot +state/,
    );
    expect(stdout + readable.stdout + cluster.output()).not.toContain(secret);
  });

  it('restart replaces the worker of one slot alone', async () => {
    const cluster = await startSupervised({ workers: 2, env: { DRAIN_MS: '0' } });
    const [first, second] = pidsOf(await cluster.status());

    expect((await cluster.ctl('restart', '1')).code).toBe(0);

    const after = await cluster.status();
    expect(after).toMatchObject({
      workers: [
        { slot: 1, restarts: 1 },
        { slot: 2, pid: second, restarts: 0 },
      ],
    });
    expect(pidsOf(after)).not.toContain(first);
    expect(isAlive(first!)).toBe(false);
  });

  it('log-level changes what the primary and every worker log, those of later included', async () => {
    const cluster = await startSupervised({ workers: 2, env: { DRAIN_MS: '0' } });
    const logged = async (slot: number, text: string): Promise<void> => {
      const { client } = await cluster.connectTo(slot);
      await client.emitWithAck('log', { level: 'debug', text: `quiet ${text}` });
      const fence = cluster.says(new RegExp(`fence ${text}`));
      await client.emitWithAck('log', { level: 'fatal', text: `fence ${text}` });
      await fence;
    };
    await logged(1, 'before');

    expect(await cluster.ctl('log-level', 'debug')).toMatchObject({ code: 0, stderr: '' });
    await logged(1, 'of an old worker');
    expect((await cluster.ctl('restart', '2')).code).toBe(0);
    await logged(2, 'of a new worker');
    expect((await cluster.ctl('log-level', 'error')).code).toBe(0);
    expect((await cluster.ctl('reload')).code).toBe(0);
    await logged(1, 'after');

    const lines = cluster.output().split('\n');
    expect(lines.filter((line) => line.includes('quiet')).map((line) => line.replace(/.*quiet /, ''))).toEqual([
      'of an old worker',
      'of a new worker',
    ]);
    // The primary says this with level `log`.
    expect(cluster.output()).not.toContain('replacing all workers');
  });

  it.each([
    [['dance'], 2, /unknown command 'dance'/],
    [['scale'], 2, /missing required argument 'workers'/],
    [['scale', '0'], 2, /Expected a whole number from 1 to 1024/],
    [['scale', 'many'], 2, /Expected a whole number from 1 to 1024/],
    [['drain', '-1'], 2, /./],
    [['log-level', 'loud'], 2, /Expected one of fatal, error, warn/],
    [['status', '--yaml'], 2, /unknown option '--yaml'/],
  ] as const)('%j is refused with one sentence and exit code %i', async (args, expected, sentence) => {
    const { code, stdout, stderr } = await runCtl('/nowhere/control.sock', args);

    expect({ code, stdout }).toEqual({ code: expected, stdout: '' });
    expect(stderr).toMatch(sentence);
    expect(stderr.trim().split('\n').length).toBe(1);
  });

  it('says in one sentence which socket nobody answers on, or what the cluster refuses, with exit code 1', async () => {
    const nowhere = path.join(temporaryFolder(), 'nobody.sock');
    const absent = await runCtl(nowhere, ['status']);
    expect(absent).toMatchObject({ code: 1, stdout: '', stderr: expect.stringMatching(oneSentence) });
    expect(absent.stderr).toContain(nowhere);

    const cluster = await startSupervised({ workers: 1 });
    const refused = await cluster.ctl('restart', '7');
    expect(refused).toMatchObject({ code: 1, stdout: '', stderr: expect.stringMatching(oneSentence) });
    expect(refused.stderr).toContain('Slot 7 has no ready worker');
    expect(isWhole(await cluster.status())).toBe(true);
  });
});
