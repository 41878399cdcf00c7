import { measure } from './gateway/round.js';
import type { Contestant } from './gateway/contestants.js';
import { median } from './support/statistics.js';

export async function benchGateway(): Promise<void> {
  const which = (process.env['BENCH_WHO'] ?? 'stock,bare,ours').split(',') as Contestant[];
  const rounds = Number(process.env['BENCH_ROUNDS'] ?? 1);
  for (const work of [
    { handlers: 60, pipeline: false },
    { handlers: 20, pipeline: false },
    { handlers: 20, pipeline: true },
  ]) {
    for (const c of which) {
      const s: Awaited<ReturnType<typeof measure>>[] = [];
      for (let r = 0; r < rounds; r++) s.push(await measure(c, work));
      const m = (k: 'heap' | 'connect' | 'event') => median(s.map((x) => x[k])).toFixed(k === 'heap' ? 0 : 1);
      process.stdout.write(
        `${JSON.stringify(work)} ${c} heap ${m('heap')} connect ${m('connect')} event ${m('event')}\n`,
      );
    }
  }
}
