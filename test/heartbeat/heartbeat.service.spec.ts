import type { INestApplicationContext } from '@nestjs/common';
import { SchedulerRegistry } from '@nestjs/schedule';
import { Emitter } from '@socket.io/redis-emitter';
import { Test } from '@nestjs/testing';
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import type { Heartbeat } from '../../src/events.js';
import { HeartbeatModule } from '../../src/heartbeat/heartbeat.module.js';

describe('the heartbeat', () => {
  beforeEach(() => {
    vi.useFakeTimers({ now: 1_700_000_000_123 });
    onTestFinished(() => void vi.useRealTimers());
  });

  it('beats once every interval, and not before the first has passed', async () => {
    const { heard } = await startHeartbeat(500);

    await vi.advanceTimersByTimeAsync(499);
    expect(heard).toHaveLength(0);

    await vi.advanceTimersByTimeAsync(1);
    expect(heard).toHaveLength(1);

    await vi.advanceTimersByTimeAsync(2_000);
    expect(heard).toHaveLength(5);
  });

  it('beats once a second by default', async () => {
    const { heard } = await startHeartbeat();

    await vi.advanceTimersByTimeAsync(3_000);

    expect(heard).toHaveLength(3);
  });

  it('counts strictly up by one, and says when each beat was sent', async () => {
    const { heard } = await startHeartbeat(500);
    const started = Date.now();

    await vi.advanceTimersByTimeAsync(1_500);

    const first = heard[0]!.sequence;
    expect(heard).toEqual([
      { sequence: first, sentAt: started + 500 },
      { sequence: first + 1, sentAt: started + 1_000 },
      { sequence: first + 2, sentAt: started + 1_500 },
    ]);
  });

  it('starts above what a previous run with the same interval had reached', async () => {
    const { app, heard: before } = await startHeartbeat(500);
    await vi.advanceTimersByTimeAsync(10_000);
    await app.close();

    const { heard: after } = await startHeartbeat(500);
    await vi.advanceTimersByTimeAsync(500);

    expect(before).toHaveLength(20);
    expect(after[0]!.sequence).toBeGreaterThan(before.at(-1)!.sequence);
  });

  it('is silent once the application has closed', async () => {
    const { app, heard } = await startHeartbeat(500);
    await vi.advanceTimersByTimeAsync(500);

    await app.close();
    await vi.advanceTimersByTimeAsync(5_000);

    expect(heard).toHaveLength(1);
  });

  it('is known to the scheduler as "heartbeat", which can stop it', async () => {
    const { app, heard } = await startHeartbeat(500);
    const schedule = app.get(SchedulerRegistry);

    expect(schedule.getIntervals()).toEqual(['heartbeat']);
    schedule.deleteInterval('heartbeat');
    await vi.advanceTimersByTimeAsync(5_000);

    expect(heard).toEqual([]);
  });

  it('refuses a wrong interval before anything is made', () => {
    expect(() => HeartbeatModule.forRoot({ intervalMs: 0 })).toThrow(RangeError);
  });
});

async function startHeartbeat(intervalMs?: number): Promise<{ app: INestApplicationContext; heard: Heartbeat[] }> {
  const heard: Heartbeat[] = [];
  const emitter = { emit: (event: string, beat: Heartbeat) => event === 'heartbeat' && heard.push(beat) };
  const module = await Test.createTestingModule({
    imports: [
      {
        module: RecordingEmitterModule,
        global: true,
        providers: [{ provide: Emitter, useValue: emitter }],
        exports: [Emitter],
      },
      HeartbeatModule.forRoot(intervalMs === undefined ? {} : { intervalMs }),
    ],
  }).compile();
  const app = await module.init();
  onTestFinished(() => app.close());
  return { app, heard };
}

class RecordingEmitterModule {}
