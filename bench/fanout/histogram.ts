/** How often each latency occurred, by its time in steps of 10 µs. Those of several processes and rounds can be merged. */
export type Histogram = Readonly<Record<string, number>>;

const stepMicros = 10;

export class LatencyRecorder {
  private readonly counts = new Map<number, number>();

  record(micros: number): void {
    const step = Math.round(micros / stepMicros);
    this.counts.set(step, (this.counts.get(step) ?? 0) + 1);
  }

  histogram(): Histogram {
    return Object.fromEntries([...this.counts].toSorted(([a], [b]) => a - b));
  }
}

export function merge(histograms: readonly Histogram[]): Histogram {
  const merged: Record<string, number> = {};
  for (const [step, count] of histograms.flatMap((one) => Object.entries(one))) {
    merged[step] = (merged[step] ?? 0) + count;
  }
  return merged;
}

/** The time within which this share of the messages came, in milliseconds. */
export function quantileMs(histogram: Histogram, share: number): number {
  const steps = Object.keys(histogram)
    .map(Number)
    .toSorted((a, b) => a - b);
  const total = Object.values(histogram).reduce((sum, count) => sum + count, 0);
  let seen = 0;
  const found = steps.find((step) => (seen += histogram[step]!) > share * total) ?? steps.at(-1);
  if (found === undefined) throw new RangeError('Expected at least one latency, got none.');
  return (found * stepMicros) / 1_000;
}
