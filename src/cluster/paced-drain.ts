import { setTimeout as elapsed } from 'node:timers/promises';
import { type Departing, departures } from './drain-schedule.js';

/** Lets clients go, spread over `drainMs`, and resolves once all have gone. */
export async function drainPaced(clients: readonly Departing[], drainMs: number): Promise<void> {
  const leaving: Promise<void>[] = [];
  const startedAt = performance.now();
  let next = 0;
  for (const { atMs, count } of departures(clients.length, drainMs, Math.random)) {
    await elapsed(Math.max(0, atMs - (performance.now() - startedAt)));
    for (const client of clients.slice(next, next + count)) leaving.push(client.leave());
    next += count;
  }
  await Promise.all(leaving);
}
