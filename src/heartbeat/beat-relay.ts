import { type IpcEnd, IpcTopic } from '../ipc.js';
import type { Beat, BeatCounts } from './beat.js';

/** The conversation that a primary and a worker have about beats. */
export const beatTopic = 'beats';

/** A worker that does not read gets no more than that; what it missed is no news any more. */
const mostUnread = 100;

interface Line {
  readonly topic: IpcTopic<BeatCounts, Beat>;
  unread: number;
  counts: BeatCounts;
}

/** Hands beats to the workers of this host, past whatever waits for them on Redis. */
export class BeatRelay {
  private readonly lines = new Set<Line>();
  private readonly listeners = new Set<(beat: Beat) => void>();
  private gone: BeatCounts = { refused: 0, repeated: 0 };

  /** What the workers have not let pass, since the start. */
  get counts(): BeatCounts {
    return [...this.lines].reduce((sum, { counts }) => add(sum, counts), this.gone);
  }

  /** Serves a worker until the returned function is called. */
  attach(worker: IpcEnd): () => void {
    const line: Line = { topic: new IpcTopic(worker, beatTopic), unread: 0, counts: { refused: 0, repeated: 0 } };
    const unlisten = line.topic.listen((counts) => (line.counts = counts));
    this.lines.add(line);
    return () => {
      unlisten();
      this.lines.delete(line);
      this.gone = add(this.gone, line.counts);
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

function add(a: BeatCounts, b: BeatCounts): BeatCounts {
  return { refused: a.refused + b.refused, repeated: a.repeated + b.repeated };
}
