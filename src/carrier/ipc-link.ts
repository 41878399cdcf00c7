import { type IpcEnd, IpcTopic } from '../ipc.js';
import type { Link } from './embedded.protocol.js';

/** A link over the IPC channel between the primary and a worker; each end gives its own handle of the channel. */
export function ipcLink<Incoming, Outgoing>(end: IpcEnd): Link<Incoming, Outgoing> {
  const topic = new IpcTopic<readonly Incoming[], readonly Outgoing[]>(end, 'carrier');
  return {
    send: (batch, sent) => topic.send(batch, sent),
    listen: (listener) => topic.listen(listener),
  };
}
