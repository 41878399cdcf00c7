import type { WorkerState } from './worker-state.js';

/** Why a worker is no more, from what was expected to what should wake somebody. */
export const exitKinds = [
  /** It ended with code 0, or as it was told to. */
  'clean',
  /** It was replaced because of its age or its memory. */
  'recycled',
  /** It ended by itself, with a code. */
  'crashed',
  /** Somebody sent it a signal. */
  'killed',
  'out of memory',
  /** It was silent for too long, or did not end in time. */
  'hung',
  'failed to boot',
] as const;

export type ExitKind = (typeof exitKinds)[number];

/** What the primary had asked of it: nothing, to end, to end because of its age or memory; or it did not answer. */
export type EndingCause = 'none' | 'drain' | 'recycle' | 'hang';

export interface Exit {
  /** The state in which it ended. */
  readonly state: WorkerState;
  readonly wasReady: boolean;
  readonly cause: EndingCause;
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** V8 aborts the process when its heap is full; a shell reports that signal as 128 + 6. */
const abortCode = 134;

/** A worker that was told to end before it could listen ends by the signal itself, or says so with 128 + 15. */
const terminatedCode = 143;

export function exitKindOf({ state, wasReady, cause, code, signal }: Exit): ExitKind {
  if (signal === 'SIGABRT' || code === abortCode) return 'out of memory';
  const asTold = code === 0 || code === terminatedCode || signal === 'SIGTERM';
  if (asTold && cause === 'drain') return 'clean';
  if (asTold && cause === 'recycle') return 'recycled';
  if (!wasReady) return 'failed to boot';
  if (cause === 'hang' || state === 'killed') return 'hung';
  if (signal) return 'killed';
  return code === 0 ? 'clean' : 'crashed';
}

/** Whether it counts against the restart budget. A worker that ended as it should does not. */
export function isFailure(kind: ExitKind): boolean {
  return kind !== 'clean' && kind !== 'recycled';
}
