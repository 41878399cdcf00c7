/** The value below which a share of the samples lies; the samples need no order. */
export function quantile(samples: readonly number[], share: number): number {
  if (samples.length === 0) throw new RangeError('Expected at least one sample, got none.');
  const sorted = samples.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]!;
}

export const median = (samples: readonly number[]): number => quantile(samples, 0.5);
