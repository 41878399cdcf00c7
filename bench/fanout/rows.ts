import type { Row } from '../support/comparison.js';
import { median } from '../support/statistics.js';
import type { ContestantName } from './contestants.js';
import { merge, quantileMs } from './histogram.js';
import { latency, type Measure, saturation } from './plan.js';
import type { Sample } from './session.js';

/** By measure, then by contestant: one sample for each round. */
export type Samples = Readonly<Record<string, Readonly<Partial<Record<ContestantName, readonly Sample[]>>>>>;

export function rowsOf(measures: readonly Measure[], samples: Samples): Row[] {
  return measures.flatMap(({ name }) => {
    if (name === latency) return [latencyRow('p50', 0.5, samples), latencyRow('p99', 0.99, samples)];
    if (name === saturation) return [row(name, samples, medianOf('perSecond'), thousands)];
    return [row(name, samples, medianOf('cpuPerMessage'), micros)];
  });
}

/** How much of a core others took, in the median. */
export function otherShareOf(samples: Samples): number {
  const all = Object.values(samples).flatMap((byContestant) => Object.values(byContestant).flat());
  return median(all.map(({ otherShare }) => otherShare));
}

function latencyRow(title: string, share: number, samples: Samples): Row {
  const value = (rounds: readonly Sample[]): number =>
    quantileMs(merge(rounds.map(({ latencies }) => latencies)), share);
  return { ...row(latency, samples, value, (ms) => `${ms.toFixed(2)} ms`), name: `${title} ${latency}` };
}

function row(
  name: string,
  samples: Samples,
  value: (rounds: readonly Sample[]) => number,
  print: (value: number) => string,
): Row {
  const measured = Object.entries(samples[name]!);
  const values = Object.fromEntries(measured.map(([contestant, rounds]) => [contestant, value(rounds)]));
  return { name, values, print, note: busiest(measured) };
}

/** The clients that had most to do: where they are near 100 %, it is they who set the pace. */
function busiest(measured: readonly (readonly [string, readonly Sample[]])[]): string {
  const shares = measured.map(([contestant, rounds]) => ({ contestant, share: medianOf('clientShare')(rounds) }));
  const { contestant, share } = shares.toSorted((a, b) => b.share - a.share)[0]!;
  return `${Math.round(share * 100)} % (${contestant})`;
}

function medianOf(of: 'cpuPerMessage' | 'perSecond' | 'clientShare') {
  return (rounds: readonly Sample[]): number => median(rounds.map((sample) => sample[of]));
}

function micros(value: number): string {
  return `${value.toFixed(2)} µs`;
}

function thousands(value: number): string {
  return `${Math.round(value / 1_000).toLocaleString('en')} k`;
}
