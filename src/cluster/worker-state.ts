/**
 * The life of a worker, as the primary sees it:
 *
 *     booting ──ready──▶ ready ──drain──▶ draining
 *        │                 │                 │
 *        └──────kill──▶ killed ◀────kill─────┘
 *
 * `drain` leads from booting to draining as well, and `exit` from every state to gone.
 */
export type WorkerState = 'booting' | 'ready' | 'draining' | 'killed' | 'gone';

export type WorkerEvent = 'ready' | 'drain' | 'kill' | 'exit';

export const transitions: Readonly<Record<WorkerState, Readonly<Partial<Record<WorkerEvent, WorkerState>>>>> = {
  booting: { ready: 'ready', drain: 'draining', kill: 'killed', exit: 'gone' },
  ready: { drain: 'draining', kill: 'killed', exit: 'gone' },
  draining: { kill: 'killed', exit: 'gone' },
  killed: { exit: 'gone' },
  gone: {},
};

/** An event that means nothing in a state leaves it as it is: exits, messages and signals race. */
export function nextState(state: WorkerState, event: WorkerEvent): WorkerState {
  return transitions[state][event] ?? state;
}
