import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { onTestFinished } from 'vitest';
import type { Tally } from '../fixtures/fresh-connections.js';
import type { Wrapper } from './network-namespace.js';

export interface FreshConnections {
  /** Opens no more, and resolves with what became of each. */
  stop(): Promise<Tally>;
}

/** Opens connections at a steady pace, in a process of its own, so that nothing here holds them up. */
export function openFreshConnections(url: string, perSecond: number, wrapper: Wrapper = []): FreshConnections {
  const program = [process.execPath, 'dist/test/fixtures/fresh-connections.js', url, `${perSecond}`];
  const [file, ...args] = [...wrapper, ...program];
  const opener = spawn(file!, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const [said, exited] = [text(opener.stdout), once(opener, 'exit')];
  onTestFinished(async () => {
    opener.kill('SIGKILL');
    await exited;
  });
  return {
    stop: async () => {
      opener.kill('SIGTERM');
      return JSON.parse(await said) as Tally;
    },
  };
}

export function sumOf(tally: Tally): number {
  return Object.values(tally).reduce((sum, count) => sum + count, 0);
}
