import { describe, expect, it } from 'vitest';
import { controlRequestSchema } from '../../src/cluster/control.protocol.js';

const commands =
  'expected a command: status, scale, reload, restart, drain, stop, leader, jobs, run-job, release-lease or log-level';

describe('a control request', () => {
  it.each([
    { command: 'status' },
    { command: 'scale', workers: 1 },
    { command: 'scale', workers: 1_024 },
    { command: 'reload' },
    { command: 'restart', slot: 1 },
    { command: 'drain', slot: 1_000_000 },
    { command: 'stop' },
    { command: 'leader' },
    { command: 'jobs' },
    { command: 'run-job', name: 'report' },
    { command: 'release-lease' },
    { command: 'log-level', level: 'debug' },
  ])('may be %j', (request) => {
    expect(controlRequestSchema.parse(request)).toEqual(request);
  });

  it('may say more than is understood, as a newer `ctl` would', () => {
    expect(controlRequestSchema.parse({ command: 'reload', force: true })).toEqual({ command: 'reload' });
  });

  it.each([{ command: 'dance' }, { command: 7 }, { workers: 3 }, {}])(
    'cannot be %j: it says which there are',
    (request) => {
      expect(sentenceFor(request)).toBe(commands);
    },
  );

  it.each([null, 'status', 7, true, [], ['status']])('cannot be %j: it says what is wrong', (request) => {
    expect(sentenceFor(request)).not.toBe('');
  });

  it.each([0, -1, 1_025, 1.5, '3', null, Infinity, undefined])('cannot ask for %s workers', (workers) => {
    expect(sentenceFor({ command: 'scale', workers })).not.toBe('');
  });

  it.each(['restart', 'drain'])('cannot %s a slot that cannot be', (command) => {
    for (const slot of [0, -1, 1_000_001, 1.5, '1', null, undefined]) {
      expect(sentenceFor({ command, slot })).not.toBe('');
    }
    expect(sentenceFor({ command, slot: 'one' })).toBe('a slot: a whole number from 1');
  });

  it.each(['info', 'LOG', '', undefined])('cannot ask for the log level %j', (level) => {
    expect(sentenceFor({ command: 'log-level', level })).not.toBe('');
  });
});

/** What is said of a request that is refused; empty where it is not. */
function sentenceFor(request: unknown): string {
  return controlRequestSchema.safeParse(request).error?.issues[0]?.message ?? '';
}
