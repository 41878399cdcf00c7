import { describe, expect, it } from 'vitest';
import { availableCores } from '../src/available-cores.js';
import { type Config, readConfig } from '../src/config.js';
import { ConfigError } from '../src/errors.js';

const longest = 2_147_483_647;

const accepted: readonly (readonly [variable: string, value: string, key: keyof Config, read: unknown])[] = [
  ['SHUTDOWN_DRAIN_MS', '0', 'shutdownDrainMs', 0],
  ['SHUTDOWN_DRAIN_MS', '2000', 'shutdownDrainMs', 2_000],
  ['DRAIN_MS', '0', 'drainMs', 0],
  ['DRAIN_MS', `${longest}`, 'drainMs', longest],
  ['RELOAD_BATCH', '1', 'reloadBatch', 1],
  ['RELOAD_BATCH', '1024', 'reloadBatch', 1_024],
  ['WORKER_TIMEOUT_MS', '2000', 'workerTimeoutMs', 2_000],
  ['BOOT_TIMEOUT_MS', '100', 'bootTimeoutMs', 100],
  ['RESTART_BUDGET', '0', 'restartBudget', 0],
  ['RESTART_BUDGET', '1000000', 'restartBudget', 1_000_000],
  ['RESTART_WINDOW_MS', '1', 'restartWindowMs', 1],
  ['RESTART_HEALTHY_MS', '1', 'restartHealthyMs', 1],
  ['QUORUM', '0', 'quorum', 0],
  ['QUORUM', '1024', 'quorum', 1_024],
  ['WORKER_MAX_AGE_MS', '1000', 'workerMaxAgeMs', 1_000],
  ['WORKER_MAX_RSS_MB', '512', 'workerMaxRssBytes', 536_870_912],
  ['CONTROL_SOCKET', '/run/app.sock', 'controlSocket', '/run/app.sock'],
  ['CONTROL_SOCKET', `/${'c'.repeat(102)}`, 'controlSocket', `/${'c'.repeat(102)}`],
  ['XDG_RUNTIME_DIR', '/run/user/7', 'runtimeFolder', '/run/user/7'],
  ['NOTIFY_SOCKET', '@notify', 'systemd', { socket: '@notify', watchdogMs: undefined }],
  ['WATCHDOG_USEC', '30000000', 'systemd', { socket: undefined, watchdogMs: 30_000 }],
];

const milliseconds = (from: number) => `a whole number of milliseconds from ${from} to ${longest}`;
const outside = (from: number) => [`${from - 1}`, `${longest + 1}`, '1s', '10.5', ' 5000'];

const refused: readonly (readonly [variable: string, expected: string, values: readonly string[]])[] = [
  ['SHUTDOWN_DRAIN_MS', milliseconds(0), outside(0)],
  ['DRAIN_MS', milliseconds(0), outside(0)],
  ['RELOAD_BATCH', 'a whole number from 1 to 1024', ['0', '1025', 'all', '1.5']],
  ['WORKER_TIMEOUT_MS', milliseconds(2_000), outside(2_000)],
  ['BOOT_TIMEOUT_MS', milliseconds(100), outside(100)],
  ['RESTART_BUDGET', 'a whole number from 0 to 1000000', ['-1', '1000001', 'none']],
  ['RESTART_WINDOW_MS', milliseconds(1), outside(1)],
  ['RESTART_HEALTHY_MS', milliseconds(1), outside(1)],
  ['QUORUM', 'a whole number from 0 to 1024', ['-1', '1025', '50%']],
  ['WORKER_MAX_AGE_MS', milliseconds(1_000), outside(1_000)],
  ['WORKER_MAX_RSS_MB', 'a whole number from 1 to 1000000', ['0', '1000001', '512M', '0.5']],
  // The second is short in characters, and too long for the system in bytes.
  ['CONTROL_SOCKET', 'a path of at most 103 bytes', [`/${'c'.repeat(103)}`, `/${'ü'.repeat(60)}`]],
  ['WATCHDOG_USEC', 'a whole number from 1 to 9007199254740991', ['0', '-1', '30s']],
];

describe('the configuration of the supervision', () => {
  it('has a default for everything', () => {
    expect(readConfig({})).toMatchObject({
      workers: availableCores(),
      shutdownTimeoutMs: 5_000,
      shutdownDrainMs: 0,
      drainMs: 10_000,
      reloadBatch: undefined,
      workerTimeoutMs: 30_000,
      bootTimeoutMs: 60_000,
      restartBudget: 20,
      restartWindowMs: 60_000,
      restartHealthyMs: 30_000,
      quorum: 1,
      workerMaxAgeMs: undefined,
      workerMaxRssBytes: undefined,
      controlSocket: undefined,
      runtimeFolder: undefined,
      systemd: { socket: undefined, watchdogMs: undefined },
    });
  });

  it.each(accepted)('takes %s=%s', (variable, value, key, read) => {
    expect(readConfig({ [variable]: value })).toEqual({ ...readConfig({}), [key]: read });
  });

  it('counts an empty value as unset', () => {
    const variables = [...accepted, ...refused].map(([variable]) => variable);

    expect(readConfig(Object.fromEntries(variables.map((variable) => [variable, ''])))).toEqual(readConfig({}));
  });

  describe.each(refused)('where %s must be %s', (variable, expected, values) => {
    it.each(values)('refuses %j with one sentence', (value) => {
      expect(() => readConfig({ [variable]: value })).toThrow(
        new ConfigError(variable, expected, JSON.stringify(value)),
      );
    });
  });
});
