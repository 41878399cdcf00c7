import type { Carrier } from '../carrier.js';
import type { Heartbeat, ServerEvents } from '../events.js';
import { type IpcEnd, IpcTopic } from '../ipc.js';
import { type Beat, beatChannel, type BeatCounts, readBeat } from './beat.js';
import { type GateState, openGate, passed, refusalOf, sequencesOf } from './beat-gate.js';
import { beatTopic } from './beat-relay.js';

/** What is used of a Socket.IO server: its own clients of the default namespace. */
export interface LocalClients {
  readonly local: { emit(event: 'heartbeat', beat: Parameters<ServerEvents['heartbeat']>[0]): unknown };
}

const reportIntervalMs = 1_000;

/**
 * Gives beats to the clients of this process, each once and none of a leader that has been followed by another.
 *
 * They come on two ways: from the leader over the carrier, and from this host's primary. So neither a primary that hangs
 * nor a Redis that is away keeps them from the clients.
 */
export class BeatReceiver {
  private readonly servers = new Set<LocalClients>();
  private readonly channel: string;
  private readonly closing: (() => void)[];
  private gate: GateState = openGate;
  private counts: BeatCounts = { refused: 0, repeated: 0 };

  constructor(
    private readonly carrier: Carrier,
    { key, intervalMs }: { readonly key: string; readonly intervalMs: number },
  ) {
    this.channel = beatChannel(key, intervalMs);
    const unlisten = carrier.onMessage((channel, message) => {
      const beat = channel === this.channel ? readBeat(message) : undefined;
      if (beat) this.take(beat);
    });
    this.closing = [unlisten, () => carrier.unsubscribe([this.channel])];
  }

  /** Resolves once it hears the leader, which may be never while the carrier is away: bound your wait. */
  async open(): Promise<void> {
    await this.carrier.subscribe([this.channel]);
  }

  /** Listens to the primary of this host, and tells it what was refused. */
  follow(primary: IpcEnd): void {
    const topic = new IpcTopic<Beat, BeatCounts>(primary, beatTopic);
    let told = this.counts;
    const timer = setInterval(() => {
      if (told === this.counts) return;
      told = this.counts;
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

  take(beat: Beat): void {
    const before = this.gate;
    const refusal = refusalOf(before, beat);
    this.gate = passed(before, beat);
    if (refusal) return this.count(refusal === 'older term' ? 'refused' : 'repeated');
    for (const sequence of sequencesOf(before, beat)) {
      const told: Heartbeat = { sequence, sentAt: beat.sentAt };
      for (const server of this.servers) server.local.emit('heartbeat', told);
    }
  }

  close(): void {
    for (const close of this.closing) close();
  }

  private count(kind: keyof BeatCounts): void {
    this.counts = { ...this.counts, [kind]: this.counts[kind] + 1 };
  }
}
