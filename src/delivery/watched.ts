import type { EventEmitter } from 'node:events';
import { processTurn } from './process-turn.js';

/** What Engine.IO tells of each packet that passes its queue. */
const perPacket: readonly string[] = ['packetCreate', 'flush', 'drain'];

const watched = Symbol('watched');

export interface Watchable extends EventEmitter {
  [watched]?: boolean;
}

/** Notes from now on whether somebody listens to each packet, which costs less than to ask for each packet. */
export function watch(emitter: Watchable): void {
  if (emitter[watched] !== undefined) return;
  emitter[watched] = perPacket.some((event) => emitter.listenerCount(event) > 0);
  emitter.on('newListener', note);
}

export function isWatched(emitter: Watchable): boolean {
  return emitter[watched] === true;
}

function note(this: Watchable, event: string): void {
  if (!perPacket.includes(event)) return;
  this[watched] = true;
  processTurn.restart();
}
