import { describe, expect, it } from 'vitest';
import { type Exit, type ExitKind, exitKindOf, exitKinds, isFailure } from '../../src/cluster/exit-kind.js';

/** A ready worker that ended by itself with code 0, but for what a case is about. */
const exit = (facts: Partial<Exit>): Exit => ({
  state: 'ready',
  wasReady: true,
  cause: 'none',
  code: 0,
  signal: null,
  ...facts,
});

const cases: readonly (readonly [what: string, facts: Partial<Exit>, kind: ExitKind])[] = [
  ['was told to end', { state: 'draining', cause: 'drain' }, 'clean'],
  ['ended by itself with code 0', {}, 'clean'],
  ['was told to end because of its age', { state: 'draining', cause: 'recycle' }, 'recycled'],
  ['threw', { code: 1 }, 'crashed'],
  ['ended with another code', { code: 77 }, 'crashed'],
  ['threw while it let its clients go', { state: 'draining', cause: 'drain', code: 1 }, 'crashed'],
  ['threw while it was recycled', { state: 'draining', cause: 'recycle', code: 1 }, 'crashed'],
  ['was shot by somebody', { code: null, signal: 'SIGKILL' }, 'killed'],
  ['was sent a signal that it does not know', { code: null, signal: 'SIGUSR2' }, 'killed'],
  [
    'was shot while it let its clients go',
    { state: 'draining', cause: 'drain', code: null, signal: 'SIGKILL' },
    'killed',
  ],
  ['ran into a bug of native code', { code: null, signal: 'SIGSEGV' }, 'killed'],
  ['was ended by V8, whose heap was full', { code: null, signal: 'SIGABRT' }, 'out of memory'],
  ['was ended by V8 below a shell', { code: 134 }, 'out of memory'],
  [
    'had too little memory to start',
    { state: 'booting', wasReady: false, code: null, signal: 'SIGABRT' },
    'out of memory',
  ],
  ['had too little memory while it drained', { state: 'draining', cause: 'drain', code: 134 }, 'out of memory'],
  ['was silent, and ended when told by a signal', { state: 'draining', cause: 'hang' }, 'hung'],
  ['was silent, and had to be killed', { state: 'killed', cause: 'hang', code: null, signal: 'SIGKILL' }, 'hung'],
  ['did not end in time', { state: 'killed', cause: 'drain', code: null, signal: 'SIGKILL' }, 'hung'],
  ['threw before it was ready', { state: 'booting', wasReady: false, code: 1 }, 'failed to boot'],
  [
    'was shot before it was ready',
    { state: 'booting', wasReady: false, code: null, signal: 'SIGKILL' },
    'failed to boot',
  ],
  [
    'was told to end before it was ready',
    { state: 'draining', wasReady: false, cause: 'drain', signal: 'SIGTERM' },
    'clean',
  ],
  [
    'threw before it was ready, when it had been told to end',
    { state: 'draining', wasReady: false, cause: 'drain', code: 1 },
    'failed to boot',
  ],
  ['was not ready in time', { state: 'killed', wasReady: false, code: null, signal: 'SIGKILL' }, 'failed to boot'],
  ['ended before it was ready, without a word', { state: 'booting', wasReady: false }, 'failed to boot'],
];

describe('a worker that', () => {
  it.each(cases)('%s', (_what, facts, kind) => {
    expect(exitKindOf(exit(facts))).toBe(kind);
  });
});

describe('exitKindOf', () => {
  it('tells seven kinds apart, each of which there is a case for', () => {
    expect(exitKinds).toHaveLength(7);
    expect([...new Set(cases.map(([, , kind]) => kind))].toSorted()).toEqual([...exitKinds].toSorted());
  });
});

describe('isFailure', () => {
  it('forgives only what ended as it should', () => {
    expect(exitKinds.filter((kind) => !isFailure(kind))).toEqual(['clean', 'recycled']);
  });
});
