import type { INestApplicationContext } from '@nestjs/common';
import { SchedulerRegistry } from '@nestjs/schedule';
import { Test } from '@nestjs/testing';
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { CarrierModule } from '../../src/carrier/carrier.module.js';
import { readFenced } from '../../src/fenced-message.js';
import { FleetDesk } from '../../src/fleet/fleet-desk.js';
import { FleetModule } from '../../src/fleet/fleet.module.js';
import type { Beat } from '../../src/heartbeat/beat.js';
import { BeatRelay } from '../../src/heartbeat/beat-relay.js';
import { HeartbeatModule } from '../../src/heartbeat/heartbeat.module.js';
import { RecordingCarrier } from '../support/recording-carrier.js';

describe('the heartbeat', () => {
  beforeEach(() => {
    vi.useFakeTimers({ now: 1_700_000_000_000 });
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

  it('beats at the multiples of the interval, whenever it was started', async () => {
    vi.setSystemTime(1_700_000_000_350);
    const { heard } = await startHeartbeat(500);

    await vi.advanceTimersByTimeAsync(149);
    expect(heard).toHaveLength(0);

    await vi.advanceTimersByTimeAsync(1);
    expect(heard).toMatchObject([{ sequence: 3_400_000_001 }]);
  });

  it('is published by the emitter, in the name of its term', async () => {
    const { heard, carrier } = await startHeartbeat(500);

    await vi.advanceTimersByTimeAsync(500);

    expect(heard[0]!.term.counter).toBe(1);
    const { term, sequence, sentAt } = heard[0]!;
    const [published] = carrier.published.filter(({ channel }) => channel === 'socket.io#/#');
    expect(readFenced(published!.message)).toEqual({
      fencing: { stream: 'heartbeat-500', term, sequence },
      event: 'heartbeat',
      args: [{ sequence, sentAt }],
    });
  });

  it('is told to the other primaries, who hear nothing that is for clients', async () => {
    const { heard, carrier } = await startHeartbeat(500);

    await vi.advanceTimersByTimeAsync(500);

    const told = carrier.published.filter(({ channel }) => channel === 'socket.io-beats-500');
    expect(told.map(({ message }) => JSON.parse(message.toString()) as unknown)).toEqual(heard);
  });

  it('counts strictly up by one, and says when each beat was sent', async () => {
    const { heard } = await startHeartbeat(500);
    const started = Date.now();

    await vi.advanceTimersByTimeAsync(1_500);

    const first = (started + 500) / 500;
    expect(heard).toMatchObject([
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

async function startHeartbeat(intervalMs?: number) {
  const heard: Beat[] = [];
  const carrier = new RecordingCarrier();
  const relay = new BeatRelay();
  relay.onBeat((beat) => heard.push(beat));
  const module = await Test.createTestingModule({
    imports: [
      CarrierModule.forRoot(() => carrier, { key: 'socket.io' }),
      FleetModule.forRoot(),
      HeartbeatModule.forRoot(intervalMs === undefined ? {} : { intervalMs }, relay),
    ],
  }).compile();
  const app: INestApplicationContext = await module.init();
  const fleet = app.get(FleetDesk);
  onTestFinished(() => app.close());
  await fleet.begin();
  return { app, heard, carrier };
}
