import { IpcTopic } from '../ipc.js';
import { clusterTopic, type PrimaryMessage, type WorkerMessage } from './cluster.protocol.js';

const topic = (): IpcTopic<PrimaryMessage, WorkerMessage> => new IpcTopic(process, clusterTopic);

/** Tells the primary that this worker listens and hears the others. */
export function reportReady(): void {
  topic().send({ type: 'ready' });
}

/** Calls `stop` when the primary wants this worker to end. */
export function onStop(stop: () => void): void {
  topic().listen(({ type }) => {
    if (type === 'stop') stop();
  });
}
