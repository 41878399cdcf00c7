import { type IpcEnd, IpcTopic } from '../ipc.js';
import type { Beat } from './beat.js';

/** The conversation that a primary and a worker have about beats. */
export const beatTopic = 'beats';

/** A worker that does not read gets no more than that; what it missed is no news any more. */
const mostUnread = 100;

interface Line {
  readonly topic: IpcTopic<number, Beat>;
  unread: number;
  refused: number;
}

/** Hands beats to the workers of this host, past whatever waits for them on Redis. */
export class BeatRelay {
  private readonly lines = new Set<Line>();
  private readonly listeners = new Set<(beat: Beat) => void>();
  private refusedByGone = 0;

  /** How many beats of former leaders the workers have refused since the start. */
  get refused(): number {
    return [...this.lines].reduce((sum, { refused }) => sum + refused, this.refusedByGone);
  }

  /** Serves a worker until the returned function is called. */
  attach(worker: IpcEnd): () => void {
    const line: Line = { topic: new IpcTopic(worker, beatTopic), unread: 0, refused: 0 };
    const unlisten = line.topic.listen((refused) => (line.refused = refused));
    this.lines.add(line);
    return () => {
      unlisten();
      this.lines.delete(line);
      this.refusedByGone += line.refused;
    };
  }

  /** For one process, which is its own worker. */
  onBeat(listener: (beat: Beat) => void): void {
    this.listeners.add(listener);
  }

  send(beat: Beat): void {
    for (const listener of this.listeners) listener(beat);
    for (const line of this.lines) {
      if (line.unread >= mostUnread) continue;
      line.unread++;
      line.topic.send(beat, () => void line.unread--);
    }
  }
}
