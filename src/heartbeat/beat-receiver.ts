import type { ServerEvents } from '../events.js';
import type { FencedMessage } from '../fenced-message.js';
import { type IpcEnd, IpcTopic } from '../ipc.js';
import { type Beat, beatIn, toHeartbeat } from './beat.js';
import { type GateState, openGate, passed, refusalOf, sequencesOf } from './beat-gate.js';
import { beatTopic } from './beat-relay.js';

/** What is used of a Socket.IO server: its own clients of the default namespace. */
export interface LocalClients {
  readonly local: { emit(event: 'heartbeat', beat: Parameters<ServerEvents['heartbeat']>[0]): unknown };
}

const reportIntervalMs = 1_000;

/** No clock is as wrong as that: such a beat would keep all later ones from passing. */
const mostAheadMs = 86_400_000;

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

  /** Listens to the primary of this host, and tells it how many beats were refused. */
  follow(primary: IpcEnd): void {
    const topic = new IpcTopic<Beat, number>(primary, beatTopic);
    let told = 0;
    const timer = setInterval(() => {
      if (told === this.refused) return;
      told = this.refused;
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
    if (beat && beat.sequence * this.intervalMs < Date.now() + mostAheadMs) this.take(beat);
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

  close(): void {
    for (const close of this.closing) close();
  }
}
