import { randomUUID } from 'node:crypto';
import { Injectable, Module, Scope, type Type } from '@nestjs/common';
import { SchedulerRegistry } from '@nestjs/schedule';
import { Test } from '@nestjs/testing';
import { beforeEach, describe, expect, inject, it, onTestFinished, vi } from 'vitest';
import { CarrierModule } from '../../src/carrier/carrier.module.js';
import type { FleetRun } from '../../src/fleet-schedule.js';
import { FleetCron, FleetInterval } from '../../src/fleet/decorators.js';
import { JobInvalidError, JobNameTakenError } from '../../src/fleet/errors.js';
import { FleetDesk } from '../../src/fleet/fleet-desk.js';
import { LEASE_STORE } from '../../src/fleet/lease-holder.js';
import type { LeaseStore } from '../../src/fleet/lease-store.js';
import { FleetModule } from '../../src/fleet/fleet.module.js';
import type { FleetOptions } from '../../src/fleet/fleet.options.js';
import { Leadership } from '../../src/leadership.js';
import { eventually } from '../support/eventually.js';
import { startFleet } from '../support/nodes.js';
import { RecordingCarrier } from '../support/recording-carrier.js';
import type { Carrier } from '../../src/carrier.js';

/** Every run of the jobs of this file, in order. */
const runs: FleetRun[] = [];
let finish: () => void = () => {};

@Injectable()
class Jobs {
  @FleetInterval(1_000)
  tick(run: FleetRun): void {
    runs.push(run);
  }

  @FleetInterval('bad', 1_000)
  async bad(): Promise<void> {
    throw new Error('the disk is full');
  }

  @FleetCron('0 30 3 * * *', { timeZone: 'Asia/Tokyo', name: 'nightly' })
  nightly(run: FleetRun): void {
    runs.push(run);
  }
}

@Injectable()
class SlowJob {
  @FleetInterval('slow', 1_000)
  async slow(run: FleetRun): Promise<void> {
    runs.push(run);
    await new Promise<void>((resolve) => (finish = resolve));
  }
}

@Injectable()
class QueuedJob {
  @FleetInterval('queued', 1_000, { overlap: 'queue' })
  async queued(run: FleetRun): Promise<void> {
    runs.push(run);
    await new Promise<void>((resolve) => (finish = resolve));
  }
}

describe('jobs of a fleet of one', () => {
  beforeEach(() => {
    runs.length = 0;
    vi.useFakeTimers({ now: Date.UTC(2026, 0, 1) });
  });

  it('run at each multiple of their interval, and are told for which time and in which term', async () => {
    await startPrimary(Jobs);

    await vi.advanceTimersByTimeAsync(2_000);

    const term = { counter: 1, holder: expect.stringMatching(/^host:/) };
    expect(runs.map(({ signal, ...run }) => ({ ...run, aborted: signal.aborted }))).toEqual([
      { name: 'Jobs.tick', due: Date.UTC(2026, 0, 1) + 1_000, term, aborted: false },
      { name: 'Jobs.tick', due: Date.UTC(2026, 0, 1) + 2_000, term, aborted: false },
    ]);
  });

  it('run when their cron expression says so, in its time zone', async () => {
    vi.setSystemTime(Date.UTC(2026, 0, 1, 18, 29));
    await startPrimary(Jobs);

    await vi.advanceTimersByTimeAsync(180_000);

    const nightly = runs.filter(({ name }) => name === 'nightly');
    expect(nightly.map(({ due }) => new Date(due).toISOString())).toEqual(['2026-01-01T18:30:00.000Z']);
  });

  it('are logged and counted when they fail, and run again', async () => {
    const { desk } = await startPrimary(Jobs);

    await vi.advanceTimersByTimeAsync(3_000);

    expect(desk.status(0).counters).toMatchObject({ runs: 6, failedRuns: 3 });
    expect((await desk.jobs()).find(({ name }) => name === 'bad')).toMatchObject({
      schedule: 'every 1000 ms',
      runs: 3,
      failed: 3,
      last: { result: 'failed', error: 'the disk is full', durationMs: 0 },
      next: Date.UTC(2026, 0, 1) + 4_000,
    });
  });

  it('are skipped while an earlier run is under way', async () => {
    const { desk } = await startPrimary(SlowJob);

    await vi.advanceTimersByTimeAsync(3_000);
    expect(runs).toHaveLength(1);
    finish();
    await vi.advanceTimersByTimeAsync(1_000);

    expect(runs).toHaveLength(2);
    expect((await desk.jobs())[0]).toMatchObject({ skipped: 2, running: true });
  });

  it('wait for the earlier run where they are to be queued, ten at the most', async () => {
    const { desk } = await startPrimary(QueuedJob);

    await vi.advanceTimersByTimeAsync(15_000);
    for (let count = 0; count < 20; count++) {
      finish();
      await vi.advanceTimersByTimeAsync(0);
    }

    expect(runs.map(({ due }) => (due - Date.UTC(2026, 0, 1)) / 1_000)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
    expect((await desk.jobs())[0]).toMatchObject({ skipped: 4 });
  });

  it('are known to Nest’s registry by their names, which can take them off the schedule', async () => {
    vi.setSystemTime(Date.UTC(2026, 0, 1, 18, 29));
    const { app, desk } = await startPrimary(Jobs);
    const registry = app.get(SchedulerRegistry);

    expect(registry.getIntervals()).toEqual(['Jobs.tick', 'bad']);
    expect([...registry.getCronJobs().keys()]).toEqual(['nightly']);
    registry.deleteInterval('Jobs.tick');
    registry.deleteCronJob('nightly');
    await vi.advanceTimersByTimeAsync(180_000);

    expect(runs).toEqual([]);
    expect((await desk.jobs()).filter(({ next }) => next === null).map(({ name }) => name)).toEqual([
      'Jobs.tick',
      'nightly',
    ]);
  });

  it('run at once by hand, and say how it went', async () => {
    const { desk } = await startPrimary(Jobs);

    expect(await desk.runJob('nightly')).toMatchObject({ result: 'done' });
    expect(await desk.runJob('bad')).toMatchObject({ result: 'failed', error: 'the disk is full' });
    expect(runs.map(({ name }) => name)).toEqual(['nightly']);
  });

  it('are refused by hand with one sentence: a name that there is not, a job that runs', async () => {
    const { desk } = await startPrimary(SlowJob);
    await vi.advanceTimersByTimeAsync(1_000);

    await expect(desk.runJob('fast')).rejects.toMatchObject({
      code: 'JOB_UNKNOWN',
      message: 'There is no job "fast": there are slow.',
    });
    await expect(desk.runJob('slow')).rejects.toMatchObject({ code: 'JOB_BUSY' });
  });

  it('end with the application: the run under way is told, and no other begins', async () => {
    const { close } = await startPrimary(SlowJob);
    await vi.advanceTimersByTimeAsync(1_000);

    const closed = close();
    await vi.advanceTimersByTimeAsync(0);
    expect(runs[0]!.signal.aborted).toBe(true);
    finish();
    await closed;
    await vi.advanceTimersByTimeAsync(5_000);

    expect(runs).toHaveLength(1);
  });
});

describe('a job that is declared wrongly', () => {
  class TooFast {
    @FleetInterval('too fast', 9)
    run(): void {}
  }
  class NoCron {
    @FleetCron('every day')
    run(): void {}
  }
  class NoZone {
    @FleetCron('0 0 * * *', { timeZone: 'Mars/Base' })
    run(): void {}
  }
  class Twins {
    @FleetInterval('twin', 100)
    one(): void {}

    @FleetInterval('twin', 200)
    other(): void {}
  }
  @Injectable({ scope: Scope.REQUEST })
  class PerRequest {
    @FleetInterval(100)
    run(): void {}
  }

  it.each([
    [TooFast, JobInvalidError, 'The job "too fast" cannot be scheduled: expected a whole number of milliseconds'],
    [
      NoCron,
      JobInvalidError,
      'The job "NoCron.run" cannot be scheduled: expected a cron expression with a time to come, and a time zone',
    ],
    [NoZone, JobInvalidError, 'The job "NoZone.run" cannot be scheduled'],
    [Twins, JobNameTakenError, 'Two jobs of the fleet are called "twin"'],
    [PerRequest, JobInvalidError, 'expected a provider of which there is one instance'],
  ] as const)('fails the start: %o', async (provider, error, sentence) => {
    const failure: unknown = await startPrimary(provider).catch((reason: unknown) => reason);

    expect(failure).toBeInstanceOf(error);
    expect((failure as Error).message).toContain(sentence);
  });
});

/** What each primary of a test has run. */
const ranBy: string[] = [];

function jobsOf(host: string, missed: 'skip' | 'run-late' = 'skip', ms = 100): Type {
  class FleetWideJobs {
    @FleetInterval('shared', ms, { missed })
    shared({ due }: FleetRun): void {
      ranBy.push(`${host} ${due}`);
    }
  }
  return FleetWideJobs;
}

describe('jobs of several primaries on one Redis', () => {
  beforeEach(() => void (ranBy.length = 0));

  it('run in one of them, each time once, and go on in another when that ends, within 100 ms', async () => {
    const fleet = startFleet('redis');
    const primaries = await startPrimaries(fleet, ['a', 'b', 'c']);
    await eventually(
      () => ranBy.length,
      (count) => count >= 5,
    );
    const leader = primaries.find(({ leadership }) => leadership.term)!;
    expect(ranBy.every((run) => run.startsWith(leader.host))).toBe(true);

    const successor = Promise.race(
      primaries
        .filter((each) => each !== leader)
        .map(async ({ leadership }) => {
          await new Promise<void>((resolve) => void leadership.onChange((term) => term && resolve()));
          return performance.now();
        }),
    );
    const askedAt = performance.now();
    const closed = leader.close();
    // The lease is given back before all else ends.
    expect((await successor) - askedAt).toBeLessThan(100);
    await closed;
    await eventually(
      () => ranBy.filter((run) => !run.startsWith(leader.host)).length,
      (count) => count >= 5,
    );

    const dues = ranBy.map((run) => run.split(' ')[1]);
    expect(new Set(dues).size).toBe(dues.length);
  });

  it('run by hand in the leader, whoever is asked, and its refusals come back', async () => {
    const fleet = startFleet('redis');
    const primaries = await startPrimaries(fleet, ['a', 'b'], 3_600_000);
    const leader = await leaderOf(primaries);
    const other = primaries.find((each) => each !== leader)!;

    const run = await other.desk.runJob('shared');

    expect(run).toMatchObject({ result: 'done', holder: leader.leadership.status.holder });
    expect(ranBy.map((each) => each.split(' ')[0])).toEqual([leader.host]);
    await expect(other.desk.runJob('none')).rejects.toMatchObject({
      code: 'JOB_UNKNOWN',
      message: 'There is no job "none": there are shared.',
    });
    expect((await other.desk.jobs())[0]!.last).toEqual(run);
  });

  it('move to another primary by hand, whoever is asked', async () => {
    const fleet = startFleet('redis');
    const primaries = await startPrimaries(fleet, ['a', 'b']);
    const leader = await leaderOf(primaries);
    const other = primaries.find((each) => each !== leader)!;
    const took = new Promise<void>((resolve) => void other.leadership.onChange((term) => term && resolve()));

    await other.desk.releaseLease();
    await took;

    expect(leader.leadership.term).toBeUndefined();
    expect(other.leadership.status).toMatchObject({ here: true, why: 'released', term: 2, takeovers: 1 });
    expect(leader.leadership.status).toMatchObject({ here: false, steppedDown: 'resigned' });
  });

  it('say in one sentence that there is no leader to ask', async () => {
    const { desk } = await startPrimary(jobsOf('a'), { redisUrl: 'redis://127.0.0.1:1' });

    await expect(desk.runJob('shared')).rejects.toMatchObject({ code: 'NO_LEADER' });
  });

  it.each([
    ['skip', 3_000],
    ['run-late', 2_000],
  ] as const)('that were due while nobody led are reported, and with "%s" go on at + %i ms', async (missed, next) => {
    const options = { redisUrl: inject('redisUrl'), key: randomUUID() };
    const first = await startPrimary(jobsOf('before', missed, 1_000), options);
    const [last] = await eventually(
      () => ranBy,
      ({ length }) => length === 1,
    );
    await first.close();
    const lastDue = Number(last!.split(' ')[1]);
    await eventually(Date.now, (now) => now > lastDue + 2_200);

    const second = await startPrimary(jobsOf('after', missed, 1_000), options);
    await eventually(
      () => ranBy,
      ({ length }) => length === 2,
    );

    expect((await second.desk.jobs())[0]).toMatchObject({ missed: 2 });
    expect(ranBy[1]).toBe(`after ${lastDue + next}`);
  });
});

async function startPrimary(jobs: Type, options: FleetOptions = {}, carrier: Carrier = new RecordingCarrier()) {
  const host = options.host ?? 'host';
  @Module({ providers: [jobs] })
  class JobsModule {}
  const module = await Test.createTestingModule({
    imports: [CarrierModule.forRoot(() => carrier, { key: 'unused' }), FleetModule.forRoot(options), JobsModule],
  }).compile();
  module.useLogger(false);
  const app = await module.init();
  const desk = app.get(FleetDesk);
  const close = async (): Promise<void> => {
    await desk.leave();
    await app.close();
  };
  onTestFinished(async () => {
    finish();
    vi.useRealTimers();
    await close();
  });
  await desk.begin();
  return { app, host, desk, leadership: app.get(Leadership), store: app.get<LeaseStore>(LEASE_STORE), close };
}

type Primary = Awaited<ReturnType<typeof startPrimary>>;

function startPrimaries(
  fleet: ReturnType<typeof startFleet>,
  hosts: readonly string[],
  ms?: number,
): Promise<Primary[]> {
  const options = { redisUrl: inject('redisUrl'), key: fleet.key };
  return Promise.all(
    hosts.map(async (host) => startPrimary(jobsOf(host, 'skip', ms), { ...options, host }, await fleet.openCarrier())),
  );
}

async function leaderOf(primaries: readonly Primary[]): Promise<Primary> {
  const leader = await eventually(
    () => primaries.find(({ leadership }) => leadership.term),
    (found) => found !== undefined,
  );
  return leader!;
}
