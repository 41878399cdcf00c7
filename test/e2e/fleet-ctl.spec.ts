import { randomUUID } from 'node:crypto';
import { describe, expect, inject, it, onTestFinished } from 'vitest';
import type { Heartbeat } from '../../src/events.js';
import type { JobRun, JobStatus, LeaderStatus } from '../../src/fleet-status.js';
import { collect, open } from '../support/clients.js';
import { openRedisClient } from '../support/nodes.js';
import { startRedis } from '../support/redis-server.js';
import { startSupervised, type SupervisedProgram } from '../support/start-supervised.js';

const entry = 'dist/test/fixtures/jobs.cluster.js';

describe('an operator of two hosts', () => {
  it('sees who leads, runs a job by the leader, and moves the leadership, on whichever host', async () => {
    const { leading, following } = await startTwo();

    const [here, there] = await Promise.all([leaderOf(leading), leaderOf(following)]);
    expect(here).toMatchObject({ here: true, term: 1, why: 'first', takeovers: 1, steppedDown: null });
    expect(there).toMatchObject({ here: false, holder: here.holder, term: 1, why: 'first' });
    expect((await following.ctl('status')).stdout).toContain(`leader: ${here.holder}, term 1 for`);

    const run = JSON.parse((await following.ctl('job', 'run', 'yearly', '--json')).stdout) as JobRun;
    expect(run).toMatchObject({ result: 'done', holder: here.holder });
    const jobs = JSON.parse((await following.ctl('jobs', '--json')).stdout) as JobStatus[];
    expect(jobs.find(({ name }) => name === 'yearly')).toMatchObject({ last: run, runs: 0 });
    expect(jobs.find(({ name }) => name === 'count')).toMatchObject({
      schedule: 'every 100 ms',
      last: { result: 'done' },
    });
    expect((await following.ctl('jobs')).stdout).toMatch(/^job +schedule +result +last +took +next/);

    const tookOver = following.says(/this primary leads the fleet in term 2 \(released\)/);
    expect(await following.ctl('lease', 'release')).toMatchObject({ code: 0, stdout: `released by ${here.holder}\n` });
    await tookOver;
    expect(await leaderOf(following)).toMatchObject({ here: true, term: 2, why: 'released' });
    expect(await leaderOf(leading)).toMatchObject({ here: false, steppedDown: 'resigned' });
  });

  it('is refused with one sentence: a job that there is not', async () => {
    const { following } = await startTwo();

    const { code, stdout, stderr } = await following.ctl('job', 'run', 'weekly');

    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toBe('There is no job "weekly": there are count, yearly.\n');
  });
});

describe('two hosts whose lease is in a Redis of its own', () => {
  it('have one leader by that, and each beat by the other', async () => {
    const [messages, leases] = await Promise.all([startOwnRedis(), startOwnRedis()]);
    const key = randomUUID();
    const env = { REDIS_URL: messages.url, LEASE_REDIS_URL: leases.url, REDIS_KEY: key };
    const hosts = await Promise.all(
      ['host-a', 'host-b'].map((name) => startSupervised({ entry, workers: 1, env: { ...env, HOST_NAME: name } })),
    );
    for (const host of hosts) await host.until(({ fleet }) => fleet.leader.holder !== null);

    const leaders = await Promise.all(hosts.map(leaderOf));
    const beats = await Promise.all(
      hosts.map(({ url }) => collect<Heartbeat>(open(url), 'heartbeat', ({ length }) => length === 5)),
    );

    expect(leaders.filter(({ here }) => here)).toHaveLength(1);
    expect(await openRedisClient(leases.url).keys('*')).toEqual([`${key}:lease`]);
    expect(await openRedisClient(messages.url).keys('*')).toEqual([]);
    for (const heard of beats)
      expect(heard.map(({ sequence }) => sequence - heard[0]!.sequence)).toEqual([0, 1, 2, 3, 4]);
  });
});

describe('a job that is declared in the application of the workers', () => {
  it('is told in the log, since it never runs there', async () => {
    const cluster = await startSupervised({ entry: 'dist/test/fixtures/misplaced-job.cluster.js', workers: 1 });

    expect(cluster.output()).toMatch(/ERROR.* the job misplaced never runs here: declare it in the primary/);
  });
});

describe('one host without Redis', () => {
  it('leads in term 1, and runs its jobs', async () => {
    const cluster = await startSupervised({ entry, workers: 1 });

    expect(await leaderOf(cluster)).toMatchObject({ here: true, term: 1, why: 'first' });
    await cluster.until(({ fleet }) => fleet.counters.runs >= 3);
    expect((await cluster.ctl('job', 'run', 'yearly')).stdout).toMatch(/^done in [\d.]+ ms by /);
  });
});

async function startOwnRedis() {
  const server = await startRedis(inject('redisServer'));
  onTestFinished(() => server.stop());
  return server;
}

async function startTwo() {
  const env = { REDIS_URL: inject('redisUrl'), REDIS_KEY: randomUUID() };
  const leading = await startSupervised({ entry, workers: 1, env: { ...env, HOST_NAME: 'host-a' } });
  await leading.until(({ fleet }) => fleet.leader.here);
  const following = await startSupervised({ entry, workers: 1, env: { ...env, HOST_NAME: 'host-b' } });
  await following.until(({ fleet }) => fleet.leader.holder !== null);
  return { leading, following };
}

async function leaderOf(program: SupervisedProgram): Promise<LeaderStatus> {
  return JSON.parse((await program.ctl('leader', '--json')).stdout) as LeaderStatus;
}
