import { type IpcEnd, IpcTopic } from '../ipc.js';
import { newerTerm, noTerm, type Term } from '../term.js';
import type { Beat } from './beat.js';

/** The conversation that a primary and a worker have about beats. */
export const beatTopic = 'beats';

/** A worker that does not read gets no more than that; what it missed is no news any more. */
const mostUnread = 100;

/** What a worker says of the beats that it has heard. */
export interface BeatReport {
  /** How many were of a leader that has been followed by another. */
  readonly refused: number;
  /** The newest term among them. */
  readonly newest: Term;
}

interface Line {
  readonly topic: IpcTopic<BeatReport, Beat>;
  unread: number;
  report: BeatReport;
}

/** Hands beats to the workers of this host, past whatever waits for them on Redis. */
export class BeatRelay {
  private readonly lines = new Set<Line>();
  private readonly listeners = new Set<(beat: Beat) => void>();
  private refusedByGone = 0;

  /** How many beats of former leaders the workers have refused since the start. */
  get refused(): number {
    return [...this.lines].reduce((sum, { report }) => sum + report.refused, this.refusedByGone);
  }

  /** The newest term of which a worker has heard a beat. */
  get newestTerm(): Term {
    return [...this.lines].map(({ report }) => report.newest).reduce(newerTerm, noTerm);
  }

  /** Serves a worker until the returned function is called. */
  attach(worker: IpcEnd): () => void {
    const line: Line = { topic: new IpcTopic(worker, beatTopic), unread: 0, report: { refused: 0, newest: noTerm } };
    const unlisten = line.topic.listen((report) => (line.report = report));
    this.lines.add(line);
    return () => {
      unlisten();
      this.lines.delete(line);
      this.refusedByGone += line.report.refused;
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
