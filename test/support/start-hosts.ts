import { randomUUID } from 'node:crypto';
import { inject } from 'vitest';
import { freePort } from './free-port.js';
import { type ProgramOptions, type RunningProgram, startProgram } from './start-program.js';

export interface RunningHost extends RunningProgram {
  readonly name: string;
  readonly port: number;
}

export interface HostOptions extends ProgramOptions {
  /** @default 3 */
  readonly hosts?: number;
  /** What a host says of how the others reach it; `urls` are where they really are. */
  readonly advertise?: (host: number, urls: readonly string[]) => string | undefined;
}

/** Several clusters that are one fleet, `host-1`, `host-2` …, each as on a machine of its own. They end with the test. */
export async function startHosts(options: HostOptions = {}): Promise<RunningHost[]> {
  const { hosts = 3, advertise = (host, urls) => urls[host], env = {}, ...rest } = options;
  const fleet = { REDIS_URL: inject('redisUrl'), REDIS_KEY: randomUUID(), HOST: '127.0.0.1' };
  const ports = await Promise.all(Array.from({ length: hosts }, freePort));
  const urls = ports.map((port) => `http://127.0.0.1:${port}`);
  const started = ports.map(async (port, host) => {
    const name = `host-${host + 1}`;
    // A carrier that beats in between makes nothing clearer here.
    const own = { PORT: `${port}`, HOST_NAME: name, HEARTBEAT_INTERVAL_MS: '60000' };
    const advertised = advertise(host, urls);
    const program = await startProgram({
      ...rest,
      env: { ...fleet, ...own, ...(advertised !== undefined && { ADVERTISE_URL: advertised }), ...env },
    });
    return { ...program, name, port };
  });
  return Promise.all(started);
}
