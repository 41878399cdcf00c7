import type { HubLink, HubReply, HubRequest, Link, ProcessLink } from './embedded.protocol.js';

/** Two ends in one process: for the primary's own messages, and for an application that is not forked at all. */
export function localLink(): { process: ProcessLink; hub: HubLink } {
  const toHub = new Set<(batch: readonly HubRequest[]) => void>();
  const toProcess = new Set<(batch: readonly HubReply[]) => void>();
  return { process: linkEnd(toProcess, toHub), hub: linkEnd(toHub, toProcess) };
}

function linkEnd<Incoming, Outgoing>(
  here: Set<(batch: readonly Incoming[]) => void>,
  there: Set<(batch: readonly Outgoing[]) => void>,
): Link<Incoming, Outgoing> {
  return {
    send(batch, sent) {
      queueMicrotask(() => {
        for (const listener of there) listener(batch);
        sent(null);
      });
    },
    listen(listener) {
      here.add(listener);
      return () => void here.delete(listener);
    },
  };
}
