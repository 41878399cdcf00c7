import { eventually } from './eventually.js';
import type { RunningProgram } from './start-program.js';

/** Resolves once each of the two workers says so, with the code of the answer. */
export async function statusOfAll({ url }: Pick<RunningProgram, 'url'>, wanted: 'ok' | 'degraded'): Promise<number> {
  const saying = new Map<number, string>();
  let code = 0;
  await eventually(
    async () => {
      const response = await fetch(`${url}/health`, { headers: { Connection: 'close' } });
      const { worker, status } = (await response.json()) as { worker: number; status: string };
      code = response.status;
      saying.set(worker, status);
      return [...saying.values()];
    },
    (statuses) => statuses.length === 2 && statuses.every((status) => status === wanted),
    20_000,
  );
  return code;
}
