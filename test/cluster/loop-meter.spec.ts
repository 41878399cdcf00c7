import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { LoopMeter } from '../../src/cluster/loop-meter.js';

/** Long enough that the noise of a loaded machine does not hide it. */
const blockedMs = 200;

describe('the meter of the event loop', () => {
  it('shows for how long the loop was blocked', async () => {
    const meter = await startMeter();

    block();
    await oneTurn();

    const { loopDelayMaxMs, loopDelayP99Ms } = meter.read();
    expect(loopDelayMaxMs).toBeGreaterThan(blockedMs - 20);
    expect(loopDelayP99Ms).toBeLessThanOrEqual(loopDelayMaxMs);
  });

  it('forgets it with the reading', async () => {
    const meter = await startMeter();
    block();
    await oneTurn();
    const { loopDelayMaxMs: before } = meter.read();

    await severalTurns();

    expect(meter.read().loopDelayMaxMs).toBeLessThan(before);
  });

  it('shows a block that begins in the same turn as the reading before it', async () => {
    const meter = await startMeter();
    meter.read();

    block();
    await oneTurn();

    expect(meter.read().loopDelayMaxMs).toBeGreaterThan(blockedMs - 20);
  });

  it('shows a loop that is blocked without end, at every reading', async () => {
    const meter = await startMeter();
    const readings: number[] = [];

    for (let round = 0; round < 3; round++) {
      block();
      await oneTurn();
      readings.push(meter.read().loopDelayMaxMs);
    }

    expect(Math.min(...readings)).toBeGreaterThan(blockedMs - 20);
  });

  it('counts nothing below 0 for a loop that is idle', async () => {
    const meter = await startMeter();
    meter.read();

    await severalTurns();

    const { loopDelayP99Ms, loopDelayMaxMs, loopUtilization } = meter.read();
    expect(loopDelayP99Ms).toBeGreaterThanOrEqual(0);
    expect(loopDelayMaxMs).toBeGreaterThanOrEqual(loopDelayP99Ms);
    expect(loopUtilization).toBeGreaterThanOrEqual(0);
    expect(loopUtilization).toBeLessThan(1);
  });

  it('says what share of the time since the last reading the loop was busy', async () => {
    const meter = await startMeter();
    meter.read();
    await severalTurns();
    const { loopUtilization: idle } = meter.read();
    block();
    await oneTurn();

    const { loopUtilization: busy } = meter.read();

    expect(busy).toBeGreaterThan(idle);
    expect(busy).toBeLessThanOrEqual(1);
  });
});

/** A meter that has begun to measure: its first tick tells it only from when. */
async function startMeter(): Promise<LoopMeter> {
  const meter = new LoopMeter();
  await severalTurns();
  return meter;
}

function block(): void {
  const end = performance.now() + blockedMs;
  while (performance.now() < end);
}

/** The meter's timer, which is overdue, comes before this one. */
async function oneTurn(): Promise<void> {
  await pause(1);
}

async function severalTurns(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await pause(10);
}
