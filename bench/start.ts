import type { BenchOptions, Figures } from './support/figures.js';
import { startProgram } from './support/program.js';
import { median } from './support/statistics.js';

/** How long a user waits from the command to the line that says the cluster is ready. */
export async function benchStart({ rounds = 5 }: BenchOptions): Promise<Figures> {
  const samples: number[] = [];
  for (let round = 1; round <= rounds; round++) {
    const program = await startProgram({ WORKERS: '2' });
    samples.push(program.readyAfterMs);
    await program.stop();
    process.stderr.write(`start ${round} of ${rounds}: ${program.readyAfterMs.toFixed(0)} ms\n`);
  }
  const [least, most] = [Math.min(...samples), Math.max(...samples)];
  process.stdout.write(
    `start to ready, 2 workers, embedded carrier: median ${median(samples).toFixed(0)} ms ` +
      `(${least.toFixed(0)} to ${most.toFixed(0)}), ${rounds} rounds\n`,
  );
  return { 'start to ready, median, ms': median(samples) };
}
