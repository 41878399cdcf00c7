import { IpcTopic } from '../ipc.js';
import {
  clusterTopic,
  type PrimaryMessage,
  protocolVersion,
  reportIntervalMs,
  type WorkerMessage,
  type WorkerReport,
} from './cluster.protocol.js';
import { LoopMeter } from './loop-meter.js';

export interface PrimaryListener {
  /** End; let the clients go within this time. */
  onDrain(drainMs: number): void;
  onLogLevel(level: string): void;
  onDegraded(degraded: boolean): void;
}

type ClientFigures = Pick<WorkerReport, 'connections' | 'slowClients'>;

/** A worker's end of the conversation with its primary. */
export class PrimaryLink {
  private readonly topic = new IpcTopic<PrimaryMessage, WorkerMessage>(process, clusterTopic);
  private readonly meter = new LoopMeter();

  listen(listener: PrimaryListener): void {
    this.topic.listen((message) => {
      if (message.type === 'drain') listener.onDrain(message.drainMs);
      if (message.type === 'logLevel') listener.onLogLevel(message.level);
      if (message.type === 'degraded') listener.onDegraded(message.degraded);
    });
  }

  /** Says that this worker listens and hears the others, and from then on how it is, once a second. */
  reportReady(clients: () => ClientFigures): void {
    this.topic.send({ type: 'ready', protocolVersion });
    this.report(clients);
    setInterval(() => this.report(clients), reportIntervalMs).unref();
  }

  private report(clients: () => ClientFigures): void {
    const { rss, heapUsed } = process.memoryUsage();
    this.topic.send({
      type: 'report',
      report: { ...this.meter.read(), heapUsedBytes: heapUsed, rssBytes: rss, ...clients() },
    });
  }
}
