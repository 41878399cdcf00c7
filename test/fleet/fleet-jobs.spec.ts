import { randomUUID } from 'node:crypto';
import { Injectable, Module, type Provider, Scope, type Type } from '@nestjs/common';
import { SchedulerRegistry } from '@nestjs/schedule';
import { Test } from '@nestjs/testing';
import { beforeEach, describe, expect, inject, it, onTestFinished, vi } from 'vitest';
import { CarrierModule } from '../../src/carrier/carrier.module.js';
import { FleetClock } from '../../src/fleet-clock.js';
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

@Injectable()
class HourlyJob {
  @FleetInterval('hourly', 3_600_000)
  hourly(run: FleetRun): void {
    runs.push(run);
  }
}

const wrapped: MethodDecorator = (_target, _key, descriptor) => {
  const { value } = descriptor as TypedPropertyDescriptor<unknown>;
  (descriptor as TypedPropertyDescriptor<unknown>).value = function (...args: unknown[]): unknown {
    return (value as (...all: unknown[]) => unknown).apply(this, args);
  };
};

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

  it('run by hand beside their schedule, and take no due time from it', async () => {
    const { desk } = await startPrimary(QueuedJob);
    await vi.advanceTimersByTimeAsync(1_500);

    const byHand = desk.runJob('queued');
    await vi.advanceTimersByTimeAsync(2_000);
    for (let count = 0; count < 5; count++) {
      finish();
      await vi.advanceTimersByTimeAsync(0);
    }

    expect(await byHand).toMatchObject({ result: 'done' });
    expect(runs.map(({ due }) => (due - Date.UTC(2026, 0, 1)) / 1_000)).toEqual([1, 3.5, 2, 3]);
  });

  it('run by hand as often as one likes', async () => {
    const { desk } = await startPrimary(Jobs);

    await desk.runJob('nightly');

    expect(await desk.runJob('nightly')).toMatchObject({ result: 'done' });
  });

  it('run by hand only while the lease server can be asked', async () => {
    const { desk, store } = await startPrimary(Jobs);
    vi.spyOn(store, 'holds').mockRejectedValue(new Error('away'));

    await expect(desk.runJob('nightly')).rejects.toMatchObject({ code: 'LEASE_UNREACHABLE' });
    expect(runs).toEqual([]);
  });

  it('go by the measured time, however far ahead another primary says to be', async () => {
    const { app } = await startPrimary(Jobs);

    app.get(FleetClock).reach(Date.now() + 7_200_000);
    await vi.advanceTimersByTimeAsync(1_000);

    expect(runs.map(({ due }) => due)).toEqual([Date.UTC(2026, 0, 1) + 1_000]);
  });

  it('are on time again after the clock was set right', async () => {
    const { app } = await startPrimary(HourlyJob);

    // A minute later it is seen that the hour is over.
    vi.setSystemTime(Date.UTC(2026, 0, 1, 0, 59));
    await vi.advanceTimersByTimeAsync(180_000);

    expect(app.get(FleetClock).measured()).toBeGreaterThan(Date.UTC(2026, 0, 1, 1));
    expect(runs.map(({ due }) => due)).toEqual([Date.UTC(2026, 0, 1, 1)]);
  });

  it.each([
    ['an error', new Error('the disk is full'), 'the disk is full'],
    ['a string', 'no disk', "'no disk'"],
    ['nothing', undefined, 'undefined'],
    ['what no string can be made of', Object.create(null) as object, '[Object: null prototype] {}'],
  ])('are counted as failed where they throw %s, and run again', async (_, thrown, error) => {
    @Injectable()
    class Thrower {
      @FleetInterval('thrower', 1_000)
      run(): void {
        throw thrown;
      }
    }
    const { desk } = await startPrimary(Thrower);

    await vi.advanceTimersByTimeAsync(2_000);

    expect((await desk.jobs())[0]).toMatchObject({ runs: 2, failed: 2, running: false, last: { error } });
  });

  it('run once where their provider has several names', async () => {
    abstract class Clerk {}
    const { desk } = await startPrimary(HourlyJob, {}, undefined, [{ provide: Clerk, useExisting: HourlyJob }]);

    expect((await desk.jobs()).map(({ name }) => name)).toEqual(['hourly']);
  });

  it('are found under other decorators, and more than one on a method', async () => {
    @Injectable()
    class Decorated {
      @wrapped
      @FleetInterval(1_000)
      @FleetInterval('often', 500)
      run(): void {}
    }
    @Injectable()
    class Overriding extends Decorated {
      override run(): void {}
    }
    const { desk } = await startPrimary(Decorated, {}, undefined, [Overriding]);

    expect((await desk.jobs()).map(({ name, schedule }) => `${name}: ${schedule}`)).toEqual([
      'often: every 500 ms',
      'Decorated.run (2): every 1000 ms',
    ]);
  });

  it('are aborted when the leadership is lost, and do not begin in an older term', async () => {
    const { leadership } = await startPrimary(SlowJob);
    await vi.advanceTimersByTimeAsync(1_000);

    leadership.observe({ counter: 40, holder: 'newer' });
    expect(runs[0]!.signal.aborted).toBe(true);
    finish();
    await vi.advanceTimersByTimeAsync(1_000);

    expect(runs.map(({ term, signal }) => [term.counter, signal.aborted])).toEqual([
      [1, true],
      [41, false],
    ]);
  });

  it('do not run twice for a time that is claimed already', async () => {
    const { store, leadership } = await startPrimary(HourlyJob);

    await store.claim(leadership.term!, 'hourly', Date.UTC(2026, 0, 1, 0, 0, 30));
    await vi.advanceTimersByTimeAsync(3_600_000);
    expect(runs).toHaveLength(1);

    vi.spyOn(store, 'claim').mockResolvedValue(false);
    await vi.advanceTimersByTimeAsync(3_600_000);
    expect(runs).toHaveLength(1);
  });

  it.each([
    ['skip', 1],
    ['run-late', 2],
  ] as const)(
    'whose lease server was away for a moment are reported, and with "%s" have run %i times',
    async (missed, times) => {
      const ran: number[] = [];
      @Injectable()
      class Daily {
        @FleetCron('0 0 * * *', { name: 'daily', missed })
        run({ due }: FleetRun): void {
          ran.push(due);
        }
      }
      const { desk, store } = await startPrimary(Daily);
      await vi.advanceTimersByTimeAsync(86_400_000);
      expect(ran).toEqual([Date.UTC(2026, 0, 2)]);

      vi.spyOn(store, 'claim').mockRejectedValueOnce(new Error('away'));
      await vi.advanceTimersByTimeAsync(86_400_000 + 120_000);

      expect(ran).toEqual([Date.UTC(2026, 0, 2), Date.UTC(2026, 0, 3)].slice(0, times));
      expect((await desk.jobs())[0]).toMatchObject({ missed: 1 });
    },
  );

  it('are made good by what this primary knows where the lease server has lost its memory', async () => {
    const { desk, store } = await startPrimary(HourlyJob);
    await vi.advanceTimersByTimeAsync(3_600_000);

    vi.spyOn(store, 'claim').mockRejectedValueOnce(new Error('away'));
    vi.spyOn(store, 'jobs').mockResolvedValue(new Map());
    await vi.advanceTimersByTimeAsync(3_600_000 + 120_000);

    expect((await desk.jobs())[0]).toMatchObject({ runs: 1, missed: 1 });
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
  class Never {
    @FleetCron('0 0 30 2 *')
    run(): void {}
  }
  @Injectable({ scope: Scope.TRANSIENT })
  class OneForEach {
    @FleetInterval(100)
    run(): void {}
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
    [Never, JobInvalidError, 'The job "Never.run" cannot be scheduled'],
    [PerRequest, JobInvalidError, 'expected a provider of which there is one instance'],
    [OneForEach, JobInvalidError, 'expected a provider of which there is one instance'],
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
    const { desk } = await startPrimary(jobsOf('a'), { redis: { url: 'redis://127.0.0.1:1' } });

    await expect(desk.runJob('shared')).rejects.toMatchObject({ code: 'NO_LEADER' });
  });

  it.each([
    ['skip', 3_000],
    ['run-late', 2_000],
  ] as const)('that were due while nobody led are reported, and with "%s" go on at + %i ms', async (missed, next) => {
    const options = { redis: { url: inject('redisUrl') }, key: randomUUID() };
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

async function startPrimary(
  jobs: Type,
  options: FleetOptions = {},
  carrier: Carrier = new RecordingCarrier(),
  more: readonly Provider[] = [],
) {
  const host = options.host ?? 'host';
  @Module({ providers: [jobs, ...more] })
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
  const options = { redis: { url: inject('redisUrl') }, key: fleet.key };
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
