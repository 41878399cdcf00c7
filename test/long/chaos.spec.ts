import { readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { faultsOf, reportOf } from '../../bench/chaos/report.js';
import { runChaos } from '../../bench/chaos/run.js';
import { faultKinds } from '../../bench/chaos/schedule.js';
import { briefChaos, markOwn } from '../support/brief-chaos.js';

describe('chaos', () => {
  afterEach(() => void vi.unstubAllEnvs());

  it('for a minute has a cause for all that is lost, breaks no promise, and leaves no process', async () => {
    const family = markOwn();

    const outcome = await runChaos(briefChaos, new AbortController().signal, write);

    write(reportOf(outcome));
    const { faults, verdict } = outcome;
    expect(Object.keys(faults).toSorted()).toEqual(faultKinds.toSorted());
    expect(faultsOf(outcome)).toEqual(Object.fromEntries(Object.keys(faultsOf(outcome)).map((name) => [name, 0])));
    // What is never heard has no order either.
    expect(verdict.delivered).toBeGreaterThan(0.8 * verdict.expected);
    expect(verdict.sent).toBeGreaterThan(5_000);
    await family.gone();
  }, 180_000);

  it('finds a primary that dies', async () => {
    const family = markOwn();
    const lines: string[] = [];

    const outcome = await runChaos(briefChaos, new AbortController().signal, (line) => {
      if (lines.push(line) === 1) process.kill(primaryPid(), 'SIGKILL');
    });

    expect(outcome.deaths).toEqual({ primary: 1 });
    expect(outcome.ending).toBe('SIGKILL');
    expect(outcome.verdict.missing).toHaveLength(briefChaos.clients);
    expect(outcome.verdict.departures.length).toBeGreaterThan(0);
    const [, log] = /^what the program said: (.+)$/.exec(lines.at(-1)!)!;
    expect(readFileSync(log!, 'utf8')).toContain('cluster ready');
    rmSync(path.dirname(log!), { recursive: true });
    await family.gone();
  }, 120_000);
});

function primaryPid(): number {
  const children = readFileSync(`/proc/${process.pid}/task/${process.pid}/children`, 'utf8').trim().split(' ');
  return Number(children.find((pid) => readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('main.cluster.js')));
}

function write(text: string): void {
  process.stdout.write(`${text}\n`);
}
