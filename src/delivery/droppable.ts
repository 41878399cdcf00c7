import type { SlowClientPolicy } from '../slow-clients.js';

/** A broadcast that a slow client may miss. One for all clients, and for all parts of the message. */
export interface Droppable {
  readonly policy: Exclude<SlowClientPolicy, 'disconnect'>;
  /** Its namespace and its event: of one topic, the newest says it all to a client that wants the latest. */
  readonly topic: string;
  /** When the message was sent, in milliseconds. */
  readonly sentAt: number;
}

/** What waits for a client: a message, or a part of one. */
export interface Waiting {
  /** Nothing where it must not be dropped. */
  readonly droppable: Droppable | undefined;
  readonly length: number;
}

/**
 * Which messages to drop of those that wait, from the oldest on, for so many bytes to go and for none to be older than
 * that. First those that a later one says better; then, only as far as needed, the oldest.
 *
 * It decides and never acts, so the same waiting messages always have the same fate.
 */
export function chooseDropped(waiting: readonly Waiting[], bytes: number, sentBefore: number): Set<Droppable> {
  const dropped = new Set<Droppable>();
  const newest = newestOfTopics(waiting);
  const isTooOld = ({ sentAt }: Droppable): boolean => sentAt < sentBefore;
  let excess = bytes;
  if (excess > 0 || waiting.some(({ droppable }) => droppable && isTooOld(droppable))) {
    for (const { droppable, length } of waiting) {
      if (droppable?.policy !== 'latest' || newest.get(droppable.topic) === droppable) continue;
      dropped.add(droppable);
      excess -= length;
    }
  }
  for (const { droppable, length } of waiting) {
    if (droppable?.policy !== 'drop-oldest') continue;
    // All parts of a message share its fate.
    if (excess <= 0 && !isTooOld(droppable) && !dropped.has(droppable)) break;
    dropped.add(droppable);
    excess -= length;
  }
  return dropped;
}

function newestOfTopics(waiting: readonly Waiting[]): ReadonlyMap<string, Droppable> {
  const newest = new Map<string, Droppable>();
  for (const { droppable } of waiting) if (droppable?.policy === 'latest') newest.set(droppable.topic, droppable);
  return newest;
}
