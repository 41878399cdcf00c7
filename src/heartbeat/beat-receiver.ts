import type { ServerEvents } from '../events.js';
import type { FencedMessage } from '../fenced-message.js';
import { type IpcEnd, IpcTopic } from '../ipc.js';
import { type Beat, beatIn, toHeartbeat } from './beat.js';
import { type GateState, openGate, passed, refusalOf, sequencesOf } from './beat-gate.js';
import { type BeatReport, beatTopic } from './beat-relay.js';

/** What is used of a Socket.IO server: its own clients of the default namespace. */
export interface LocalClients {
  readonly local: { emit(event: 'heartbeat', beat: Parameters<ServerEvents['heartbeat']>[0]): unknown };
}

const reportIntervalMs = 1_000;

/** A beat from further ahead is not believed: it would keep all others from passing until then. */
const mostAheadMs = 600_000;

/** Terms rise by one from leader to leader: one that is further ahead is no term of this fleet. */
const longestLeap = 1_000_000;

/**
 * Gives beats to the clients of this process, each once and none of a leader that has been followed by another.
 *
 * They come on two ways: from the leader's emitter, and from this host's primary. So neither a primary that hangs nor a
 * Redis that is away keeps them from the clients.
 */
export class BeatReceiver {
  private readonly servers = new Set<LocalClients>();
  private readonly closing: (() => void)[] = [];
  private gate: GateState = openGate;
  /** Beats of a leader that has been followed by another. */
  private refused = 0;

  constructor(private readonly intervalMs: number) {}

  /** Listens to the primary of this host, and tells it what it has heard of: a leader in an older term needs a newer one. */
  follow(primary: IpcEnd): void {
    const topic = new IpcTopic<Beat, BeatReport>(primary, beatTopic);
    let told = this.report;
    const timer = setInterval(() => {
      const { report } = this;
      if (told.refused === report.refused && told.newest === report.newest) return;
      told = report;
      topic.send(told);
    }, reportIntervalMs).unref();
    this.closing.push(
      topic.listen((beat) => this.take(beat)),
      () => clearInterval(timer),
    );
  }

  /** From now on, the clients of this server get beats too. */
  attach(server: LocalClients): void {
    this.servers.add(server);
  }

  /** Takes a beat that the leader's emitter has sent, from each server that hears it. */
  hear(namespace: string, message: FencedMessage): void {
    const beat = namespace === '/' ? beatIn(message, this.intervalMs) : undefined;
    if (beat && this.isPossible(beat)) this.take(beat);
  }

  take(beat: Beat): void {
    const before = this.gate;
    const refusal = refusalOf(before, beat);
    this.gate = passed(before, beat);
    if (refusal === 'older term') this.refused++;
    if (refusal) return;
    for (const sequence of sequencesOf(before, beat)) {
      const told = toHeartbeat({ ...beat, sequence });
      for (const server of this.servers) server.local.emit('heartbeat', told);
    }
  }

  private get report(): BeatReport {
    return { refused: this.refused, newest: this.gate.term };
  }

  private isPossible({ term, sequence }: Beat): boolean {
    const isNear = sequence * this.intervalMs < Date.now() + mostAheadMs;
    return isNear && term.counter <= this.gate.term.counter + longestLeap;
  }

  close(): void {
    for (const close of this.closing) close();
  }
}
