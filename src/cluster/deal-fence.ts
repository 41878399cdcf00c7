import { type IpcEnd, IpcTopic } from '../ipc.js';

/*
 * Under round-robin a connection may be on its way to a worker that has closed its listening socket: Node gives it back
 * to the primary, which deals it to another. But with a worker that has ended meanwhile it is lost. An IPC channel keeps
 * its order: what the primary dealt before it heard of the closing arrives before the answer to what is asked after it.
 */
const topicName = 'deal';

/** A worker's end: resolves once no connection is on its way to it any more. Asked after closing. */
export async function lastDealt(primary: IpcEnd): Promise<void> {
  const topic = new IpcTopic<'dealt', 'closed'>(primary, topicName);
  await new Promise<void>((resolve) => {
    topic.listen(() => resolve());
    topic.send('closed', (error) => error && resolve());
  });
}

/** The primary's end. */
export function answerLastDealt(worker: IpcEnd): void {
  const topic = new IpcTopic<'closed', 'dealt'>(worker, topicName);
  topic.listen(() => topic.send('dealt'));
}
