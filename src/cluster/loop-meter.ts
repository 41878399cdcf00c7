import { monitorEventLoopDelay, performance } from 'node:perf_hooks';
import type { WorkerReport } from './cluster.protocol.js';

const resolutionMs = 10;

/** How late and how busy the event loop was since the last reading. */
export class LoopMeter {
  private readonly delay = monitorEventLoopDelay({ resolution: resolutionMs });
  private utilization = performance.eventLoopUtilization();
  private readAt = performance.now();

  constructor() {
    this.delay.enable();
  }

  read(): Pick<WorkerReport, 'loopDelayP99Ms' | 'loopDelayMaxMs' | 'loopUtilization'> {
    const utilization = performance.eventLoopUtilization();
    const { utilization: share } = performance.eventLoopUtilization(utilization, this.utilization);
    const uncountedMs = this.uncountedMs();
    const reading = {
      loopDelayP99Ms: Math.max(toDelayMs(this.delay.percentile(99)), uncountedMs),
      loopDelayMaxMs: Math.max(toDelayMs(this.delay.max), uncountedMs),
      loopUtilization: Math.round(share * 1_000) / 1_000,
    };
    this.utilization = utilization;
    this.delay.reset();
    this.readAt = performance.now();
    return reading;
  }

  /**
   * By how much the first tick after the last reading was late.
   *
   * Node counts from that tick on, so a loop that is always blocked would show no delay at all. What the counted ticks
   * leave of the time, but for one distance before the first and one after the last, was that delay.
   */
  private uncountedMs(): number {
    const countedMs = this.delay.count === 0 ? 0 : (this.delay.mean * this.delay.count) / 1e6;
    const uncountedMs = performance.now() - this.readAt - countedMs - 2 * resolutionMs;
    return Math.max(0, Math.round(uncountedMs * 10) / 10);
  }
}

/** Node measures the distance between two timers, which on an idle loop is the resolution itself. */
function toDelayMs(nanoseconds: number): number {
  return Math.max(0, Math.round(nanoseconds / 1e5 - resolutionMs * 10) / 10);
}
