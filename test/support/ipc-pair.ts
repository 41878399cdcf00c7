import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { onTestFinished } from 'vitest';
import { ipcLink } from '../../src/carrier/ipc-link.js';
import type { HubLink, HubReply, HubRequest, ProcessLink } from '../../src/carrier/embedded.protocol.js';
import type { IpcEnd } from '../../src/ipc.js';

export interface IpcPair {
  readonly process: ProcessLink;
  readonly hub: HubLink;
  /** The bare ends: the primary's handle of the worker, and what `process` is in the worker. */
  readonly ends: { readonly primary: IpcEnd; readonly worker: IpcEnd };
  /** What all messages pass through. */
  readonly between: ChildProcess;
}

type End = 'process' | 'hub';

/**
 * Both ends of a way that really leads through another process and its IPC channel, as between a primary and a worker:
 * what one end sends is serialized, echoed by the process, and arrives at the other end.
 */
export function ipcPair(): IpcPair {
  const between = fork('test/fixtures/echo.mjs', { serialization: 'advanced' });
  between.setMaxListeners(0);
  const exited = once(between, 'exit');
  onTestFinished(async () => {
    between.kill('SIGCONT');
    between.kill('SIGKILL');
    await exited;
  });
  const ends = { primary: endOf(between, 'hub', 'process'), worker: endOf(between, 'process', 'hub') };
  return {
    process: ipcLink<HubReply, HubRequest>(ends.worker),
    hub: ipcLink<HubRequest, HubReply>(ends.primary),
    ends,
    between,
  };
}

function endOf(between: ChildProcess, here: End, there: End): IpcEnd {
  const wrapped = new Map<(message: unknown) => void, (message: unknown) => void>();
  return {
    get connected() {
      return between.connected;
    },
    send: (message, handle, options, done) => between.send({ to: there, message }, handle, options, done),
    on(event, listener) {
      const receive = (echo: unknown): void => {
        const { to, message } = echo as { to: End; message: unknown };
        if (to === here) listener(message);
      };
      wrapped.set(listener, receive);
      return between.on(event, receive);
    },
    off: (event, listener) => between.off(event, wrapped.get(listener) ?? listener),
  };
}
