import { setTimeout as elapsed } from 'node:timers/promises';
import { io } from 'socket.io-client';
import type { Heartbeat } from '../src/events.js';
import type { Figures } from './support/figures.js';
import { startProgram } from './support/program.js';
import { quantile } from './support/statistics.js';

const clients = 10;
const intervalMs = 1_000;
const seconds = 60;

/** The distance between the arrivals of two beats, as 10 clients of two workers see it. */
export async function benchJitter(): Promise<Figures> {
  const program = await startProgram({ WORKERS: '2', HEARTBEAT_INTERVAL_MS: `${intervalMs}` });
  const recorders = Array.from({ length: clients }, () => recordBeats(program.url));
  for (let passed = 0; passed < seconds; passed++) {
    await elapsed(1_000);
    process.stderr.write(`\rjitter: ${passed + 1} of ${seconds} s`);
  }
  process.stderr.write('\n');
  const distances = recorders.flatMap(({ stop }) => stop());
  await program.stop();

  const [p50, p99] = [quantile(distances, 0.5), quantile(distances, 0.99)];
  const most = Math.max(...distances);
  process.stdout.write(
    `heartbeat every ${intervalMs} ms, ${clients} clients, ${seconds} s, ${distances.length} distances, none missing: ` +
      `p50 ${p50.toFixed(2)} ms, p99 ${p99.toFixed(2)} ms, max ${most.toFixed(2)} ms\n`,
  );
  return { 'distance of two beats, p50, ms': p50, 'distance of two beats, p99, ms': p99 };
}

function recordBeats(url: string): { stop: () => number[] } {
  const client = io(url, { transports: ['websocket'], forceNew: true });
  const beats: { sequence: number; at: number }[] = [];
  client.on('heartbeat', ({ sequence }: Heartbeat) => beats.push({ sequence, at: performance.now() }));
  const stop = (): number[] => {
    client.disconnect();
    return beats.slice(1).map(({ sequence, at }, index) => {
      const before = beats[index]!;
      if (sequence !== before.sequence + 1) {
        throw new Error(`After the beat ${before.sequence} came ${sequence}: a run with a gap has no figure.`);
      }
      return at - before.at;
    });
  };
  return { stop };
}
