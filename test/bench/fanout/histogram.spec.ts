import { describe, expect, it } from 'vitest';
import { LatencyRecorder, merge, quantileMs } from '../../../bench/fanout/histogram.js';

function record(...micros: number[]) {
  const recorder = new LatencyRecorder();
  for (const each of micros) recorder.record(each);
  return recorder.histogram();
}

describe('latencies', () => {
  it('have the quantiles of all their samples, not the mean of those of each process', () => {
    const quiet = record(...Array<number>(980).fill(1_000));
    const late = record(...Array<number>(20).fill(90_000));

    const merged = merge([quiet, late]);

    expect([quantileMs(merged, 0.5), quantileMs(merged, 0.97), quantileMs(merged, 0.99)]).toEqual([1, 1, 90]);
  });

  it('are kept to 10 µs', () => {
    expect(quantileMs(record(1_234), 0.5)).toBe(1.23);
  });

  it('have no quantile when there are none', () => {
    expect(() => quantileMs(record(), 0.5)).toThrow('Expected at least one latency, got none.');
  });
});
